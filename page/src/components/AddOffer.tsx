import { useEffect, useRef } from 'preact/hooks'

import type { AssistantProfile } from '../protocol'
import { useDesk } from './context'
import { useTrying } from './useTrying'

interface Props {
  roomId: string
  /** Those whom the message mentions and the room does not have. */
  absent: readonly AssistantProfile[]
  onSend(): void
  onCancel(): void
}

/** Asked before a message goes out that an assistant would not hear. It stands where Enter was pressed. */
export function AddOffer({ roomId, absent, onSend, onCancel }: Props) {
  const { chat } = useDesk()
  const first = useRef<HTMLButtonElement>(null)
  const { isTrying, problem, attempt } = useTrying()
  useEffect(() => first.current?.focus(), [])
  const names = new Intl.ListFormat('en').format(absent.map(each => each.name))
  const add = () =>
    void attempt(async () => {
      for (const { id } of absent) await chat.assistants.add(roomId, id)
      onSend()
    })
  return (
    <div
      class="add-offer"
      role="group"
      aria-label={`Add ${names}?`}
      onKeyDown={event => event.key === 'Escape' && onCancel()}
    >
      <p>
        <strong>{names}</strong> {absent.length === 1 ? 'is' : 'are'} not in this room.
      </p>
      <button ref={first} type="button" class="button-quiet" aria-disabled={isTrying} onClick={() => !isTrying && add()}>
        Add and send
      </button>
      <button type="button" class="button-quiet" onClick={onSend}>
        Send without
      </button>
      <button type="button" class="button-quiet" onClick={onCancel}>
        Cancel
      </button>
      {problem && (
        <p class="is-error" role="alert">
          {problem}
        </p>
      )}
    </div>
  )
}
