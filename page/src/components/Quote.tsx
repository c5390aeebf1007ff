import type { Message } from '../history'
import type { People } from './people'

const MOST_LETTERS = 140

interface Props {
  people: People
  messageId: string
  /** Where it is in the page. */
  message: Message | undefined
  onShow(messageId: string): void
}

/** The message that is replied to, in a line; a click goes there. */
export function Quote({ people, messageId, message, onShow }: Props) {
  return (
    <button type="button" class="quote" onClick={() => onShow(messageId)}>
      {message?.deleted ? (
        'A deleted message'
      ) : message ? (
        <>
          <strong>{people.name(message.sender)}</strong> {oneLine(message.text) || 'a file'}
        </>
      ) : (
        'An earlier message'
      )}
      <span class="visually-hidden">. Show this message</span>
    </button>
  )
}

export function oneLine(text: string): string {
  const line = text
    .replaceAll(/[`*_>#]+/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
  return line.length > MOST_LETTERS ? `${line.slice(0, MOST_LETTERS)}…` : line
}
