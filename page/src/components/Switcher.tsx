import { useLayoutEffect, useRef, useState } from 'preact/hooks'

import { roomIdFromName } from '../ids'
import { navigate, roomPath } from '../router'
import { useDesk } from './context'
import { Icon } from './Icon'
import { useTrying } from './useTrying'

interface Choice {
  roomId: string
  /** What is done besides going there: `join` makes the room where there is none. */
  makes: 'join' | 'private' | null
  unread: number
}

const MOST_CHOICES = 12

/** Ctrl/Cmd+K: go to a room by a part of its name, or enter a new one. */
export function Switcher({ onClose }: { onClose(): void }) {
  const { chat } = useDesk()
  const dialog = useRef<HTMLDialogElement>(null)
  const [typed, setTyped] = useState('')
  const [chosen, setChosen] = useState(0)
  const choices = useChoices(typed)
  useLayoutEffect(() => dialog.current?.showModal(), [])

  const { isTrying, problem, attempt } = useTrying()

  const go = (choice: Choice | undefined) => {
    if (!choice || isTrying) return
    void attempt(async () => {
      if (choice.makes === 'private') await chat.api.createRoom(choice.roomId, 'private')
      dialog.current?.close()
      navigate(roomPath(choice.roomId))
    })
  }
  const type = (text: string) => {
    setTyped(text)
    setChosen(0)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step && choices.length > 0) {
      event.preventDefault()
      setChosen((chosen + step + choices.length) % choices.length)
    } else if (event.key === 'Enter' && !event.isComposing) {
      event.preventDefault()
      go(choices[chosen])
    }
  }
  return (
    <dialog
      ref={dialog}
      class="switcher"
      aria-label="Find or create a room"
      onClose={onClose}
      onClick={closeOnBackdrop}
    >
      <div class="switcher-search">
        <Icon name="search" />
        <RoomField
          typed={typed}
          active={choices.length > 0 ? `choice-${chosen}` : undefined}
          onType={type}
          onKeyDown={onKeyDown}
        />
        <button type="button" class="button-icon" aria-label="Close" onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </div>
      <Choices choices={choices} chosen={chosen} onGo={go} onHover={setChosen} />
      {choices.length === 0 && <p class="hint">Type a name to create a room.</p>}
      {problem && (
        <p class="hint is-error" role="alert">
          {problem}
        </p>
      )}
    </dialog>
  )
}

interface RoomFieldProps {
  typed: string
  /** The id of the chosen option's element. */
  active: string | undefined
  onType(text: string): void
  onKeyDown(event: KeyboardEvent): void
}

function RoomField({ typed, active, onType, onKeyDown }: RoomFieldProps) {
  return (
    <input
      role="combobox"
      aria-label="Room"
      aria-expanded={active !== undefined}
      aria-controls="switcher-choices"
      aria-activedescendant={active}
      aria-autocomplete="list"
      autocomplete="off"
      placeholder="Name of a room"
      value={typed}
      onInput={event => onType(event.currentTarget.value)}
      onKeyDown={onKeyDown}
    />
  )
}

interface ChoicesProps {
  choices: readonly Choice[]
  chosen: number
  onGo(choice: Choice): void
  onHover(index: number): void
}

/** The keyboard moves through the options from the text field, as a combobox does. */
function Choices({ choices, chosen, onGo, onHover }: ChoicesProps) {
  return (
    <ul id="switcher-choices" role="listbox" aria-label="Rooms">
      {choices.map((choice, index) => (
        <li
          key={`${choice.roomId} ${choice.makes}`}
          id={`choice-${index}`}
          role="option"
          aria-selected={index === chosen}
          onClick={() => onGo(choice)}
          onMouseMove={() => onHover(index)}
        >
          {choice.makes === null && (
            <>
              <span class="room-sign">#</span> {choice.roomId}
            </>
          )}
          {choice.makes === 'join' && (
            <>
              <Icon name="plus" /> Create or join <strong>#{choice.roomId}</strong>
            </>
          )}
          {choice.makes === 'private' && (
            <>
              <Icon name="plus" /> Create the private room <strong>#{choice.roomId}</strong>
            </>
          )}
          {choice.unread > 0 && (
            <span class="count">
              {choice.unread}
              <span class="visually-hidden"> unread</span>
            </span>
          )}
        </li>
      ))}
    </ul>
  )
}

/** One's own rooms that fit, unread ones first; then the name itself, where no room has it. */
function useChoices(typed: string): Choice[] {
  const { chat } = useDesk()
  const wanted = roomIdFromName(typed)
  const own = chat.rooms.all.value
    .map(room => room.value)
    .filter(room => room.denied === null && room.id.toLowerCase().includes(wanted))
    .toSorted((a, b) => Number(b.unread > 0) - Number(a.unread > 0))
    .map((room): Choice => ({ roomId: room.id, makes: null, unread: room.unread }))
    .slice(0, MOST_CHOICES)
  if (!wanted || own.some(choice => choice.roomId === wanted)) return own
  const made = (['join', 'private'] as const).map(makes => ({ roomId: wanted, makes, unread: 0 }))
  return [...own, ...made]
}

/** The dialog's own box is filled by its content: a click on the element itself is one beside it. */
export function closeOnBackdrop(event: MouseEvent): void {
  if (event.target === event.currentTarget) (event.currentTarget as HTMLDialogElement).close()
}
