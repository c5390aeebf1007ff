import type { Message } from '../history'

/** Where a message was. */
export function DeletedRow({ message }: { message: Message }) {
  return (
    <article
      class="message starts-run is-deleted"
      data-row={message.id}
      tabIndex={-1}
      aria-label="A deleted message"
    >
      <span />
      <p class="message-body faded">A message was deleted.</p>
    </article>
  )
}
