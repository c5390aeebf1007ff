import type { Message } from '../history'
import type { AnswerData } from '../protocol'
import { roomPath } from '../router'
import { clock, fullTime } from '../time'
import { Attachments } from './Attachments'
import { AssistantBadge, Avatar } from './Avatar'
import { CopyButton } from './CopyButton'
import { useDesk } from './context'
import { Icon } from './Icon'
import { Markdown } from './Markdown'
import { memo } from './memo'
import type { People } from './people'
import { Quote } from './Quote'

interface Props {
  roomId: string
  people: People
  message: Message
  startsRun: boolean
  /** The id of the message to quote above this one. */
  quotes: string | null
  quoted: Message | undefined
  /** Ids, with spaces between them. */
  readers: string
  isMarked: boolean
  onReply(message: Message): void
  onShow(messageId: string): void
}

/** Many changes of a room change no message: hence `memo`, and properties that stay the same. */
export const MessageRow = memo(function MessageRow(props: Props) {
  const { roomId, people, message, startsRun, quotes, quoted, readers, isMarked, onReply, onShow } = props
  const { chat } = useDesk()
  const name = people.name(message.sender)
  const kind = message.answer ? 'assistant' : people.kind(message.sender)
  const isForMe = message.sender !== chat.me && mentions(message.text, chat.me)
  const classes = [
    'message',
    startsRun && 'starts-run',
    isMarked && 'is-marked',
    isForMe && 'is-for-me',
    kind === 'assistant' && 'is-assistant',
  ]
  return (
    <article
      class={classes.filter(Boolean).join(' ')}
      data-row={message.id}
      tabIndex={-1}
      aria-label={`${name}, ${fullTime(message.at)}`}
    >
      {startsRun ? <Avatar id={message.sender} name={name} kind={kind} /> : <Time at={message.at} />}
      <div class="message-body">
        {startsRun && (
          <p class="byline">
            <strong>{name}</strong>
            {kind === 'assistant' && <AssistantBadge />}
            <Time at={message.at} />
          </p>
        )}
        {quotes && <Quote people={people} messageId={quotes} message={quoted} onShow={onShow} />}
        {message.deleted && <p class="faded">This message was deleted.</p>}
        {message.text && <Markdown source={message.text} known={people.known} />}
        {message.files.length > 0 && <Attachments ids={message.files} />}
        {message.answer && <AnswerEnd people={people} answer={message.answer} isEmpty={!message.text} />}
      </div>
      <Readers ids={readers} people={people} />
      <Tools roomId={roomId} message={message} name={name} onReply={onReply} />
    </article>
  )
})

interface ToolsProps extends Pick<Props, 'roomId' | 'message' | 'onReply'> {
  /** The sender's. */
  name: string
}

/** What can be done with a message. */
function Tools({ roomId, message, name, onReply }: ToolsProps) {
  const link = location.origin + roomPath(roomId, message.id)
  const reply = () => onReply(message)
  return (
    <div class="tools" role="group" aria-label="Message">
      <button type="button" class="button-icon" aria-label={`Reply to ${name}`} title="Reply" onClick={reply}>
        <Icon name="reply" />
      </button>
      <CopyButton text={message.text} label="Copy text" />
      <CopyButton text={link} label="Copy link" icon="link" />
    </div>
  )
}

export function Time({ at }: { at: number }) {
  return (
    <time class="time" dateTime={new Date(at).toISOString()} title={fullTime(at)}>
      {clock(at)}
    </time>
  )
}

/** How an answer ended, where it was not simply finished. */
function AnswerEnd({ people, answer, isEmpty }: { people: People; answer: AnswerData; isEmpty: boolean }) {
  const { chat } = useDesk()
  if (answer.state === 'done') return null
  const by = answer.stopped_by
  const who = by === chat.me ? 'you' : by && people.name(by)
  const words = {
    stopped: `Stopped${who ? ` by ${who}` : ''}${isEmpty ? ' before it said anything' : ''}`,
    interrupted: 'Interrupted: the assistant could not go on',
    failed: 'Failed: the assistant could not answer',
  }[answer.state]
  return <p class={`answer-end answer-${answer.state}`}>{words}.</p>
}

const MOST_READERS = 3

/** The people who have read up to here. */
function Readers({ ids, people }: { ids: string; people: People }) {
  if (!ids) return null
  const readers = ids.split(' ').map(id => ({ id, name: people.name(id) }))
  const names = readers.map(reader => reader.name).join(', ')
  return (
    <p class="readers" title={`Seen by ${names}`}>
      <span class="visually-hidden">Seen by {names}</span>
      {readers.slice(0, MOST_READERS).map(({ id, name }) => (
        <Avatar key={id} id={id} name={name} kind="human" size="tiny" />
      ))}
      {readers.length > MOST_READERS && <span aria-hidden="true">+{readers.length - MOST_READERS}</span>}
    </p>
  )
}

function mentions(text: string, id: string): boolean {
  const folded = text.toLowerCase()
  const at = folded.indexOf(`@${id.toLowerCase()}`)
  return at >= 0 && !/[a-z0-9_]/.test(folded[at + id.length + 1] ?? ' ')
}
