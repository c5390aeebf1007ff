import type { Unsent } from '../outbox'
import { Avatar } from './Avatar'
import { useDesk } from './context'
import { Icon } from './Icon'
import { type KnownMember, Markdown } from './Markdown'
import { Time } from './MessageRow'

interface Props {
  entry: Unsent
  /** What the room calls the reader. */
  name: string
  startsRun: boolean
  known: KnownMember
}

/** What I said and the server has not confirmed. */
export function UnsentRow({ entry, name, startsRun, known }: Props) {
  const { chat } = useDesk()
  const hasFailed = entry.state === 'failed'
  return (
    <article
      class={`message unsent ${startsRun ? 'starts-run' : ''} ${hasFailed ? 'has-failed' : ''}`}
      data-row={entry.id}
      tabIndex={-1}
      aria-label={`You, ${hasFailed ? 'not sent' : 'sending'}`}
    >
      {startsRun ? <Avatar id={chat.me} name={name} kind="human" /> : <Time at={entry.at} />}
      <div class="message-body">
        {startsRun && (
          <p class="byline">
            <strong>{name}</strong> <Time at={entry.at} />
          </p>
        )}
        {entry.text && <Markdown source={entry.text} known={known} />}
        {entry.files.length > 0 && (
          <p class="faded">{entry.files.length === 1 ? '1 file' : `${entry.files.length} files`}</p>
        )}
        {hasFailed && (
          <p class="failure" role="alert">
            Not sent. {entry.why}{' '}
            <button type="button" class="button-quiet" onClick={() => chat.outbox.retry(entry.id)}>
              <Icon name="retry" /> Try again
            </button>
            <button type="button" class="button-quiet" onClick={() => chat.outbox.discard(entry.id)}>
              Discard
            </button>
          </p>
        )}
      </div>
    </article>
  )
}
