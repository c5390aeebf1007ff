import { roomPath } from '../router'
import { useDesk } from './context'

const FIRST_ROOM = 'general'

/** No room is open: what to do first, or what is waiting. */
export function Welcome({ onSwitch }: { onSwitch(): void }) {
  const { chat } = useDesk()
  const { unread } = chat.rooms
  const isNew = chat.listLoaded.value && chat.rooms.all.value.length === 0
  return (
    <main class="welcome">
      <div class={`empty ${isNew ? 'is-new' : ''}`}>
        <h1>Hello, {chat.identity.name}</h1>
        {isNew ? (
          <p>
            Work happens in rooms, and an assistant is a member like anybody else. Begin in the common one, or
            make one for what you are building.
          </p>
        ) : (
          <p>
            {unread.value > 0
              ? `${unread.value} unread ${unread.value === 1 ? 'message' : 'messages'} in your rooms.`
              : 'You are up to date.'}
          </p>
        )}
        <div class="actions">
          {isNew && (
            <a class="button-primary" href={roomPath(FIRST_ROOM)}>
              Go to #{FIRST_ROOM}
            </a>
          )}
          <button type="button" class={isNew ? 'button' : 'button-primary'} onClick={onSwitch}>
            Find or create a room
          </button>
        </div>
      </div>
    </main>
  )
}
