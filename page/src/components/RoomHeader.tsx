import type { Room } from '../room'
import { useDesk } from './context'
import { Icon } from './Icon'
import { roomSign } from './Sidebar'

interface Props {
  room: Room
  showsPeople: boolean
  onTogglePeople(): void
}

export function RoomHeader({ room, showsPeople, onTogglePeople }: Props) {
  const { chat } = useDesk()
  const elsewhere = chat.rooms.unread.value - room.unread
  const count = room.memberCount
  return (
    <header class="room-header">
      <a
        class="button-icon back"
        href="/"
        aria-label={elsewhere > 0 ? `All rooms, ${elsewhere} unread` : 'All rooms'}
      >
        <Icon name="back" />
        {elsewhere > 0 && <span class="back-dot" />}
      </a>
      <h1>
        <span class="room-sign" aria-hidden="true">
          {roomSign(room)}
        </span>
        {room.id}
      </h1>
      <button
        type="button"
        class="button-quiet people-button"
        aria-expanded={showsPeople}
        aria-label={`Members, ${count}`}
        onClick={onTogglePeople}
      >
        <Icon name="people" /> {count}
      </button>
    </header>
  )
}
