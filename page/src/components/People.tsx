import { useEffect, useRef, useState } from 'preact/hooks'

import type { Member, Room } from '../room'
import { AddPerson } from './AddPerson'
import { AssistantsDialog } from './AssistantsDialog'
import { AssistantBadge, Avatar, PRESENCE_TEXT } from './Avatar'
import { useDesk } from './context'
import { Icon } from './Icon'

const isHere = (member: Member): boolean => member.presence !== 'offline'

/** As in people.css: the list covers the room, and so takes the focus and gives it back. */
const OVER_THE_ROOM = '(width < 62rem)'

/** Who is in the room, and who of them is there. */
export function People({ room, onClose }: { room: Room; onClose(): void }) {
  const { chat } = useDesk()
  const close = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    if (!matchMedia(OVER_THE_ROOM).matches) return undefined
    const before = document.activeElement
    close.current?.focus()
    return () => before instanceof HTMLElement && before.focus()
  }, [])
  const [isManaging, setManaging] = useState(false)
  const isFixed = room.kind === 'direct'
  const members = [...room.members.values()].toSorted((a, b) => a.name.localeCompare(b.name))
  const humans = members.filter(member => member.kind === 'human')
  const broken = new Map(chat.assistants.in(room.id).map(each => [each.id, each.broken]))
  const untold = room.memberCount - members.length
  return (
    <>
      <aside class="people" aria-label="Members" onKeyDown={event => event.key === 'Escape' && onClose()}>
        <header class="people-header">
          <h2>Members</h2>
          <button
            ref={close}
            type="button"
            class="button-icon"
            aria-label="Close the list of members"
            onClick={onClose}
          >
            <Icon name="close" />
          </button>
        </header>
        <div class="people-groups">
          <Group
            title="Assistants"
            members={members.filter(member => member.kind === 'assistant')}
            broken={broken}
          />
          {!isFixed && (
            <button type="button" class="button-quiet manage" onClick={() => setManaging(true)}>
              <Icon name="sparkle" /> Manage assistants
            </button>
          )}
          <Group title="Here" members={humans.filter(isHere)} />
          <Group title="Not here" members={humans.filter(member => !isHere(member))} />
          {untold > 0 && (
            <button type="button" class="button-quiet" onClick={() => void chat.loadMembers(room.id)}>
              Show {untold} more
            </button>
          )}
        </div>
        {!isFixed && <AddPerson roomId={room.id} />}
        <button type="button" class="button-quiet leave" onClick={() => chat.leave(room.id)}>
          <Icon name="signOut" /> Leave this room
        </button>
      </aside>
      {isManaging && <AssistantsDialog roomId={room.id} onClose={() => setManaging(false)} />}
    </>
  )
}

interface GroupProps {
  title: string
  members: readonly Member[]
  /** By id, why an assistant can not be used at the moment. */
  broken?: ReadonlyMap<string, string | null | undefined>
}

function Group({ title, members, broken }: GroupProps) {
  const { chat } = useDesk()
  if (members.length === 0) return null
  return (
    <section aria-label={title}>
      <h3>
        {title} <span class="faded">{members.length}</span>
      </h3>
      <ul>
        {members.map(member => (
          <Person
            key={member.id}
            member={member}
            isMe={member.id === chat.me}
            broken={broken?.get(member.id) ?? null}
          />
        ))}
      </ul>
    </section>
  )
}

function Person({ member, isMe, broken }: { member: Member; isMe: boolean; broken: string | null }) {
  const presence = broken ? 'Not available' : PRESENCE_TEXT[member.presence]
  return (
    <li title={broken ?? undefined} class={`person ${member.presence === 'offline' ? 'is-away' : ''}`}>
      <Avatar id={member.id} name={member.name} kind={member.kind} presence={member.presence} size="small" />
      <span class="person-name">
        {member.name}
        {isMe && <span class="faded"> (you)</span>}
        {broken && <span class="visually-hidden"> is not available: {broken}</span>}
        <span class="person-id" aria-hidden="true">
          @{member.id}
          {presence !== 'Online' && ` · ${presence}`}
        </span>
      </span>
      {member.kind === 'assistant' && <AssistantBadge />}
    </li>
  )
}
