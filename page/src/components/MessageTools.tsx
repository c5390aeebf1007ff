import { useState } from 'preact/hooks'

import type { Message } from '../history'
import type { Rating } from '../protocol'
import { roomPath } from '../router'
import { CopyButton } from './CopyButton'
import { useDesk } from './context'
import { Icon, type IconName } from './Icon'

/** What most reactions of teams are; any other can be joined where somebody else gave it. */
const EMOJIS = ['👍', '❤️', '😄', '🎉', '👀', '✅', '🙏', '❓']

interface Props {
  roomId: string
  message: Message
  /** The sender's. */
  name: string
  /** What the reader said of this answer. */
  rating: Rating | undefined
  onReply(message: Message): void
  onEdit(message: Message): void
}

/** What can be done with a message. */
export function MessageTools({ roomId, message, name, rating, onReply, onEdit }: Props) {
  const { chat } = useDesk()
  const [asks, ask] = useState<'delete' | 'emoji' | null>(null)
  const close = () => ask(null)
  if (asks === 'delete') {
    const remove = () => chat.changes.make(roomId, 'delete', { message_id: message.id })
    return <DeleteQuestion onDelete={remove} onClose={close} />
  }
  const link = location.origin + roomPath(roomId, message.id)
  const isMine = message.sender === chat.me && !message.answer
  const react = (emoji: string) => {
    chat.changes.make(roomId, 'reaction', { message_id: message.id, emoji, action: 'add' })
    close()
  }
  const rate = (said: Rating) =>
    chat.changes.make(roomId, 'feedback', { message_id: message.id, rating: said })
  return (
    <div
      class={`tools ${asks ? 'is-open' : ''}`}
      role="group"
      aria-label="Message"
      onKeyDown={event => event.key === 'Escape' && close()}
    >
      {asks === 'emoji' ? (
        <EmojiChoice onChoose={react} />
      ) : (
        <>
          <Tool icon="smile" label="React" onUse={() => ask('emoji')} />
          <Tool icon="reply" label={`Reply to ${name}`} title="Reply" onUse={() => onReply(message)} />
          {message.answer && (
            <>
              <Tool icon="good" label="Good answer" pressed={rating === 'up'} onUse={() => rate('up')} />
              <Tool icon="bad" label="Bad answer" pressed={rating === 'down'} onUse={() => rate('down')} />
              <Tool icon="retry" label="Regenerate" onUse={() => chat.regenerate(roomId, message.id)} />
            </>
          )}
          <CopyButton text={message.text} label="Copy text" />
          <CopyButton text={link} label="Copy link" icon="link" />
          {isMine && (
            <>
              <Tool icon="edit" label="Edit" onUse={() => onEdit(message)} />
              <Tool icon="trash" label="Delete" onUse={() => ask('delete')} />
            </>
          )}
        </>
      )}
    </div>
  )
}

interface ToolProps {
  icon: IconName
  label: string
  title?: string
  pressed?: boolean
  onUse(): void
}

function Tool({ icon, label, title = label, pressed, onUse }: ToolProps) {
  return (
    <button
      type="button"
      class="button-icon"
      aria-label={label}
      title={title}
      aria-pressed={pressed}
      onClick={onUse}
    >
      <Icon name={icon} />
    </button>
  )
}

function EmojiChoice({ onChoose }: { onChoose(emoji: string): void }) {
  return (
    <>
      {EMOJIS.map((emoji, at) => (
        <button
          key={emoji}
          type="button"
          class="button-icon"
          aria-label={`React with ${emoji}`}
          {...(at === 0 && { ref: takeFocus })}
          onClick={() => onChoose(emoji)}
        >
          {emoji}
        </button>
      ))}
    </>
  )
}

function DeleteQuestion({ onDelete, onClose }: { onDelete(): void; onClose(): void }) {
  const remove = () => {
    onDelete()
    onClose()
  }
  return (
    <div
      class="tools is-open"
      role="group"
      aria-label="Delete this message?"
      onKeyDown={event => event.key === 'Escape' && onClose()}
    >
      <span class="tools-question">Delete for everybody?</span>
      <button type="button" class="button-quiet is-danger" onClick={remove}>
        Delete
      </button>
      <button type="button" class="button-quiet" ref={takeFocus} onClick={onClose}>
        Keep
      </button>
    </div>
  )
}

/** What replaces a button that had the focus takes it over. */
function takeFocus(button: HTMLButtonElement | null): void {
  button?.focus()
}
