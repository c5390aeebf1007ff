import { nameOf, type Room } from '../room'

const MOST_LETTERS = 140

interface Props {
  room: Room
  messageId: string
  onShow(messageId: string): void
}

/** The message that is replied to, in a line; a click goes there. */
export function Quote({ room, messageId, onShow }: Props) {
  const message = room.history.messages.find(each => each.id === messageId)
  const name = message && nameOf(room, message.sender)
  return (
    <button type="button" class="quote" onClick={() => onShow(messageId)}>
      {message ? <><strong>{name}</strong> {oneLine(message.text) || 'a file'}</> : 'An earlier message'}
      <span class="visually-hidden">. Show this message</span>
    </button>
  )
}

export function oneLine(text: string): string {
  const line = text.replaceAll(/[`*_>#]+/g, '').replaceAll(/\s+/g, ' ').trim()
  return line.length > MOST_LETTERS ? `${line.slice(0, MOST_LETTERS)}…` : line
}
