import { type Place, placeInWords } from '../queue'
import { useDesk } from './context'

interface Props {
  roomId: string
  messageId: string
  /** The assistant's. */
  name: string
  place: Place['place']
  /** Whether the reader asked, in a message of their own. */
  canWithdraw: boolean
}

/** A question that an assistant has not begun to answer. */
export function QueuePlace({ roomId, messageId, name, place, canWithdraw }: Props) {
  const { chat } = useDesk()
  return (
    <p class="queue-place">
      <span class="spinner" aria-hidden="true" /> {placeInWords(place)} in the queue of {name}
      {canWithdraw && (
        <button type="button" class="button-quiet" onClick={() => chat.withdraw(roomId, messageId)}>
          Withdraw
        </button>
      )}
    </p>
  )
}
