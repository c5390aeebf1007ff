import type { Message } from '../history'
import { nameOf, type Room } from '../room'
import { Icon } from './Icon'
import { oneLine } from './Quote'

/** The message that the next one answers. */
export function ReplyBar({ room, message, onCancel }: { room: Room; message: Message; onCancel(): void }) {
  return (
    <div class="reply-bar">
      <Icon name="reply" />
      <p>
        Reply to <strong>{nameOf(room, message.sender)}</strong>{' '}
        <span class="faded">{oneLine(message.text)}</span>
      </p>
      <button type="button" class="button-icon" aria-label="Do not reply" onClick={onCancel}>
        <Icon name="close" />
      </button>
    </div>
  )
}
