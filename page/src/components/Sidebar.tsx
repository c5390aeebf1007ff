import type { Signal } from '@preact/signals'

import type { Presence } from '../protocol'
import type { Room } from '../room'
import { roomPath } from '../router'
import { Avatar, PRESENCE_TEXT } from './Avatar'
import { useDesk } from './context'
import { Logo } from './Front'
import { Icon } from './Icon'

const IS_MAC = /Mac|iPhone|iPad/.test(navigator.userAgent)

export function Sidebar({ onSwitch }: { onSwitch(): void }) {
  const { chat } = useDesk()
  const rooms = chat.rooms.all.value
  return (
    <nav class="sidebar" aria-label="Rooms">
      <p class="brand">
        <Logo /> ProductFlo chat
      </p>
      <button type="button" class="jump" onClick={onSwitch}>
        <Icon name="search" />
        <span>Find a room</span>
        <kbd>{IS_MAC ? '⌘' : 'Ctrl '}K</kbd>
      </button>
      <div class="sidebar-title">
        <h2>Rooms</h2>
        <button
          type="button"
          class="button-icon"
          aria-label="Create or join a room"
          title="Create or join a room"
          onClick={onSwitch}
        >
          <Icon name="plus" />
        </button>
      </div>
      <div class="room-list">
        <ul>
          {rooms.map(room => (
            <RoomLink key={room.peek().id} room={room} />
          ))}
        </ul>
        {rooms.length === 0 && chat.listLoaded.value && <p class="hint">You are in no room yet.</p>}
      </div>
      <Me />
    </nav>
  )
}

function RoomLink({ room: signal }: { room: Signal<Room> }) {
  const { chat } = useDesk()
  const room = signal.value
  const isOpen = chat.openRoom.value === room.id
  if (room.denied !== null && !isOpen) return null
  return (
    <li>
      <a
        class={`room-link ${room.unread > 0 ? 'has-unread' : ''}`}
        href={roomPath(room.id)}
        aria-current={isOpen ? 'page' : undefined}
      >
        <span class="room-sign" aria-hidden="true">
          {roomSign(room)}
        </span>
        <span class="room-name">{room.id}</span>
        {room.answers.length > 0 && <span class="room-busy" title="An assistant is answering" />}
        {room.unread > 0 && (
          <span class="count">
            {room.unread > 99 ? '99+' : room.unread}
            <span class="visually-hidden"> unread</span>
          </span>
        )}
      </a>
    </li>
  )
}

export function roomSign(room: Room): string {
  return room.kind === 'direct' ? '@' : '#'
}

function Me() {
  const { chat, signOut } = useDesk()
  const presence = chat.presence.value ?? 'online'
  const { userId, name, mode } = chat.identity
  const leaves = mode === 'open' ? 'Change name' : 'Sign out'
  return (
    <div class="me">
      <Avatar id={userId} name={name} kind="human" presence={presence} />
      <div class="me-text">
        <strong>{name}</strong>
        <select
          aria-label="Your presence"
          value={presence}
          onChange={event => chat.setPresence(event.currentTarget.value as Presence)}
        >
          {Object.entries(PRESENCE_TEXT).map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      </div>
      <button type="button" class="button-icon" aria-label={leaves} title={leaves} onClick={signOut}>
        <Icon name="signOut" />
      </button>
    </div>
  )
}
