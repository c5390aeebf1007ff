import { nameOf, type Room } from '../room'

const MOST_NAMES = 3

/** Keeps its height when nobody types, so that nothing jumps. */
export function TypingLine({ room }: { room: Room }) {
  const names = [...room.typing].map(id => nameOf(room, id))
  return (
    <p class="typing-line">
      {names.length > 0 && (
        <>
          <span class="dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>{' '}
          {typingText(names)}
        </>
      )}
    </p>
  )
}

function typingText(names: readonly string[]): string {
  if (names.length > MOST_NAMES) return 'Several people are typing'
  const list = new Intl.ListFormat(undefined, { type: 'conjunction' }).format(names)
  return `${list} ${names.length === 1 ? 'is' : 'are'} typing`
}
