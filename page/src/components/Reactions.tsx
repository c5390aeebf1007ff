import type { Reaction } from '../history'
import { useDesk } from './context'
import type { People } from './people'

interface Props {
  roomId: string
  messageId: string
  reactions: readonly Reaction[]
  people: People
}

/** The reactions to a message; a press gives or takes back one's own. */
export function Reactions({ roomId, messageId, reactions, people }: Props) {
  const { chat } = useDesk()
  const toggle = (emoji: string, isMine: boolean) => {
    const action = isMine ? 'remove' : 'add'
    chat.changes.make(roomId, 'reaction', { message_id: messageId, emoji, action })
  }
  return (
    <ul class="reactions" aria-label="Reactions">
      {reactions.map(({ emoji, people: ids }) => {
        const isMine = ids.includes(chat.me)
        const names = ids.map(id => (id === chat.me ? 'you' : people.name(id))).join(', ')
        return (
          <li key={emoji}>
            <button
              type="button"
              class="reaction"
              aria-pressed={isMine}
              aria-label={`${emoji} by ${names}`}
              title={names}
              onClick={() => toggle(emoji, isMine)}
            >
              <span aria-hidden="true">{emoji}</span> {ids.length}
            </button>
          </li>
        )
      })}
    </ul>
  )
}
