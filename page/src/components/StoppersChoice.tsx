import type { Stoppers } from '../protocol'
import type { Room } from '../room'
import { useDesk } from './context'

const STOPPERS: Record<Stoppers, string> = {
  members: 'Any member',
  asker: 'Only who asked, and the room’s creator',
}

interface Props {
  room: Room
  onChoose(stoppers: Stoppers): void
}

/** Who may stop answers in a room: its creator's choice, and for others to know. */
export function StoppersChoice({ room, onChoose }: Props) {
  const { chat } = useDesk()
  const { stoppers, creator } = room
  if (stoppers === null) return null
  return (
    <section aria-label="Stopping answers">
      <h3>Who may stop an answer, or ask for another</h3>
      {creator === chat.me ? (
        <select
          aria-label="Who may stop an answer"
          value={stoppers}
          onChange={event => onChoose(event.currentTarget.value as Stoppers)}
        >
          {Object.entries(STOPPERS).map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      ) : (
        <p class="hint">{STOPPERS[stoppers]}.</p>
      )}
    </section>
  )
}
