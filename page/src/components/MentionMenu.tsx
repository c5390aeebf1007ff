import type { Member } from '../room'
import { AssistantBadge, Avatar } from './Avatar'

interface Props {
  members: readonly Member[]
  chosen: number
  onChoose(id: string): void
  onHover(index: number): void
}

/** Steered from the text field, which keeps the focus. */
export function MentionMenu({ members, chosen, onChoose, onHover }: Props) {
  return (
    <div class="mention-menu">
      <ul id="mention-menu" role="listbox" aria-label="People and assistants">
        {members.map((member, index) => (
          <li
            key={member.id}
            id={`mention-${index}`}
            role="option"
            aria-selected={index === chosen}
            onMouseDown={event => event.preventDefault()}
            onClick={() => onChoose(member.id)}
            onMouseMove={() => onHover(index)}
          >
            <Avatar
              id={member.id}
              name={member.name}
              kind={member.kind}
              presence={member.presence}
              size="small"
            />
            <span>
              {member.name} <span class="faded">@{member.id}</span>
            </span>
            {member.kind === 'assistant' && <AssistantBadge />}
          </li>
        ))}
      </ul>
      <p class="visually-hidden" role="status">
        {members.length} suggestions
      </p>
    </div>
  )
}
