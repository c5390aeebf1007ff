import { useState } from 'preact/hooks'

import { userIdFromName } from '../ids'
import { useDesk } from './context'
import { useTrying } from './useTrying'

/** Brings somebody into the room, by name or id; in a private room the only way in. */
export function AddPerson({ roomId }: { roomId: string }) {
  const { chat } = useDesk()
  const [name, setName] = useState('')
  const { isTrying, problem, attempt } = useTrying()
  const id = userIdFromName(name)
  const add = () =>
    void attempt(async () => {
      await chat.api.addMember(roomId, id)
      setName('')
    })
  return (
    <form class="add-person" onSubmit={event => (event.preventDefault(), id && !isTrying && add())}>
      <label class="visually-hidden" for="add-person">
        Name or id of somebody to add
      </label>
      <input
        id="add-person"
        autocomplete="off"
        placeholder="Add somebody"
        value={name}
        onInput={event => setName(event.currentTarget.value)}
      />
      <button class="button-quiet" disabled={!id || isTrying}>
        Add
      </button>
      {id && id !== name && <p class="hint">@{id}</p>}
      {problem && (
        <p class="is-error" role="alert">
          {problem}
        </p>
      )}
    </form>
  )
}
