import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'

import type { AssistantProfile, Listens, RoomAssistant } from '../protocol'
import { Avatar } from './Avatar'
import { useDesk } from './context'
import { Icon } from './Icon'
import { StoppersChoice } from './StoppersChoice'
import { closeOnBackdrop } from './Switcher'
import { useTrying } from './useTrying'

const LISTENS: Record<Listens, string> = {
  mentions: 'when it is addressed',
  all: 'to every message',
  off: 'not at all',
}

interface Props {
  roomId: string
  onClose(): void
}

/** The assistants of a room: how each listens, which could be added, and who may stop them. */
export function AssistantsDialog({ roomId, onClose }: Props) {
  const { chat } = useDesk()
  const dialog = useRef<HTMLDialogElement>(null)
  const { isTrying, problem, attempt } = useTrying()
  useLayoutEffect(() => dialog.current?.showModal(), [])
  useEffect(() => {
    void attempt(() => chat.assistants.load(roomId))
    void attempt(() => chat.loadSettings(roomId))
  }, [attempt, chat, roomId])
  const change = (work: () => Promise<void>) => {
    void attempt(work).then(() => {
      const place = dialog.current
      // What was pressed may be gone: a keyboard stays in the dialog all the same.
      if (place && !place.contains(document.activeElement)) place.querySelector('h2')?.focus()
    })
  }
  const { assistants } = chat
  const present = assistants.in(roomId)
  const absent = assistants.absentFrom(roomId)
  return (
    <dialog
      ref={dialog}
      class="assistants"
      aria-labelledby="assistants-title"
      aria-busy={isTrying}
      onClose={onClose}
      onClick={closeOnBackdrop}
    >
      <header class="assistants-header">
        <h2 id="assistants-title" tabIndex={-1}>
          Assistants of #{roomId}
        </h2>
        <button
          type="button"
          class="button-icon"
          aria-label="Close"
          title="Close"
          onClick={() => dialog.current?.close()}
        >
          <Icon name="close" />
        </button>
      </header>
      {problem && (
        <p class="assistants-problem is-error" role="alert">
          {problem}
        </p>
      )}
      <section aria-label="In this room">
        <h3>In this room</h3>
        {present.length === 0 && <p class="hint">None. Add one below, and mention it with @.</p>}
        <ul>
          {present.map(each => (
            <Present
              key={each.id}
              assistant={each}
              onListen={listens => change(() => assistants.listen(roomId, each.id, listens))}
              onRemove={() => change(() => assistants.remove(roomId, each.id))}
            />
          ))}
        </ul>
      </section>
      {absent.length > 0 && (
        <section aria-label="To add">
          <h3>To add</h3>
          <ul>
            {absent.map(each => (
              <Absent
                key={each.id}
                assistant={each}
                onAdd={() => change(() => assistants.add(roomId, each.id))}
              />
            ))}
          </ul>
        </section>
      )}
      <StoppersChoice
        room={chat.rooms.get(roomId).value}
        onChoose={stoppers => change(() => chat.letStop(roomId, stoppers))}
      />
    </dialog>
  )
}

interface PresentProps {
  assistant: RoomAssistant
  onListen(listens: Listens): void
  onRemove(): void
}

function Present({ assistant, onListen, onRemove }: PresentProps) {
  return (
    <li class="assistant">
      <About assistant={assistant} />
      <div class="assistant-controls">
        <label>
          Listens{' '}
          <select
            aria-label={`How ${assistant.name} listens`}
            value={assistant.listens}
            onChange={event => onListen(event.currentTarget.value as Listens)}
          >
            {Object.entries(LISTENS).map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          class="button-quiet is-danger"
          aria-label={`Remove ${assistant.name}`}
          onClick={onRemove}
        >
          Remove
        </button>
      </div>
    </li>
  )
}

function Absent({ assistant, onAdd }: { assistant: AssistantProfile; onAdd(): void }) {
  return (
    <li class="assistant">
      <About assistant={assistant} />
      {!assistant.broken && (
        <button type="button" class="button" aria-label={`Add ${assistant.name}`} onClick={onAdd}>
          <Icon name="plus" /> Add
        </button>
      )}
    </li>
  )
}

function About({ assistant }: { assistant: AssistantProfile }) {
  const { id, name, description, broken } = assistant
  return (
    <>
      <Avatar id={id} name={name} kind="assistant" size="small" />
      <div class="assistant-about">
        <p>
          <strong>{name}</strong> <span class="faded">@{id}</span>
        </p>
        {description && <p class="hint">{description}</p>}
        {broken && <p class="hint is-error">Not available: {broken}</p>}
      </div>
    </>
  )
}
