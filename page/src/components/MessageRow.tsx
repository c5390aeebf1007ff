import type { Message } from '../history'
import type { Rating } from '../protocol'
import type { Place } from '../queue'
import { clock, fullTime } from '../time'
import { AnswerEnd } from './AnswerEnd'
import { Attachments } from './Attachments'
import { AssistantBadge, Avatar } from './Avatar'
import { useDesk } from './context'
import { EditForm } from './EditForm'
import { Markdown } from './Markdown'
import { MessageTools } from './MessageTools'
import { memo } from './memo'
import type { People } from './people'
import { QueuePlace } from './QueuePlace'
import { Quote } from './Quote'
import { Reactions } from './Reactions'
import { isToldByFields, RequestFields } from './RequestFields'

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
  /** Whether the reader is changing it. */
  isEditing: boolean
  /** What the reader said of this answer. */
  rating: Rating | undefined
  /** Where it waits for an assistant. */
  place: Place | undefined
  onReply(message: Message): void
  /** `null` ends the editing. */
  onEdit(message: Message | null): void
  onShow(messageId: string): void
  onShowSeq(seq: number): void
}

/** Many changes of a room change no message: hence `memo`, and properties that stay the same. */
export const MessageRow = memo(function MessageRow(props: Props) {
  const { roomId, people, message, startsRun, quotes, quoted, place, onReply, onEdit, onShow } = props
  const { chat } = useDesk()
  const name = people.name(message.sender)
  const kind = message.answer ? 'assistant' : people.kind(message.sender)
  const isForMe = message.sender !== chat.me && mentions(message.text, chat.me)
  const classes = [
    'message',
    startsRun && 'starts-run',
    props.isMarked && 'is-marked',
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
        {props.isEditing ? (
          <Editing roomId={roomId} message={message} onDone={() => onEdit(null)} />
        ) : (
          message.text &&
          !(message.request && isToldByFields(message.request, message.text)) && (
            <Markdown
              source={message.text}
              known={people.known}
              onCite={message.answer ? props.onShowSeq : undefined}
            />
          )
        )}
        {message.request && <RequestFields request={message.request} text={message.text} />}
        {message.isEdited && <p class="is-edited">edited</p>}
        {message.files.length > 0 && <Attachments ids={message.files} />}
        {message.answer && (
          <AnswerEnd
            people={people}
            answer={message.answer}
            isEmpty={!message.text}
            onShow={onShow}
            onShowSeq={props.onShowSeq}
          />
        )}
        {place && (
          <QueuePlace
            roomId={roomId}
            messageId={message.id}
            name={people.name(place.assistant)}
            place={place.place}
            canWithdraw={place.asker === chat.me && !message.answer}
          />
        )}
        {message.reactions.length > 0 && (
          <Reactions roomId={roomId} messageId={message.id} reactions={message.reactions} people={people} />
        )}
      </div>
      <Readers ids={props.readers} people={people} />
      {!props.isEditing && (
        <MessageTools
          roomId={roomId}
          message={message}
          name={name}
          rating={props.rating}
          onReply={onReply}
          onEdit={onEdit}
        />
      )}
    </article>
  )
})

function Editing({ roomId, message, onDone }: { roomId: string; message: Message; onDone(): void }) {
  const { chat } = useDesk()
  const save = (text: string) => {
    chat.changes.make(roomId, 'edit', { message_id: message.id, message: text })
    onDone()
  }
  return <EditForm text={message.text} onSave={save} onCancel={onDone} />
}

export function Time({ at }: { at: number }) {
  return (
    <time class="time" dateTime={new Date(at).toISOString()} title={fullTime(at)}>
      {clock(at)}
    </time>
  )
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
