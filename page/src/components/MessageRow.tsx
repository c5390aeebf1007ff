import { useMemo } from 'preact/hooks'

import type { Message } from '../history'
import type { AnswerData } from '../protocol'
import { type Member, nameOf, type Room } from '../room'
import { roomPath } from '../router'
import { clock, fullTime } from '../time'
import { Attachments } from './Attachments'
import { AssistantBadge, Avatar } from './Avatar'
import { CopyButton } from './CopyButton'
import { useDesk } from './context'
import { Icon } from './Icon'
import { type KnownMember, Markdown } from './Markdown'
import { Quote } from './Quote'

interface Props {
  room: Room
  message: Message
  startsRun: boolean
  /** The message to quote above this one. */
  quotes: string | null
  readers: readonly Member[]
  isMarked: boolean
  known: KnownMember
  onReply(message: Message): void
  onShow(messageId: string): void
}

export function MessageRow({ room, message, startsRun, quotes, readers, isMarked, known, onReply, onShow }: Props) {
  const { chat } = useDesk()
  const sender = room.members.get(message.sender)
  const name = nameOf(room, message.sender)
  const kind = message.answer ? 'assistant' : (sender?.kind ?? 'human')
  const isForMe = message.sender !== chat.me && mentions(message.text, chat.me)
  // The same nodes as before are skipped when the page is drawn: a piece of an answer redraws no message.
  const body = useMemo(
    () => (
      <>
        {message.text && <Markdown source={message.text} known={known} />}
        {message.files.length > 0 && <Attachments ids={message.files} />}
      </>
    ),
    [message, known],
  )
  const classes = ['message', startsRun && 'starts-run', isMarked && 'is-marked', isForMe && 'is-for-me', kind === 'assistant' && 'is-assistant']
  return (
    <article class={classes.filter(Boolean).join(' ')} data-row={message.id} tabIndex={-1} aria-label={`${name}, ${fullTime(message.at)}`}>
      {startsRun ? <Avatar id={message.sender} name={name} kind={kind} /> : <Time at={message.at} />}
      <div class="message-body">
        {startsRun && (
          <p class="byline">
            <strong>{name}</strong>
            {kind === 'assistant' && <AssistantBadge />}
            <Time at={message.at} />
          </p>
        )}
        {quotes && <Quote room={room} messageId={quotes} onShow={onShow} />}
        {message.deleted ? <p class="faded">This message was deleted.</p> : body}
        {message.answer && <AnswerEnd room={room} answer={message.answer} isEmpty={!message.text} />}
      </div>
      <Readers readers={readers} />
      <div class="tools" role="group" aria-label="Message">
        <button type="button" class="button-icon" aria-label={`Reply to ${name}`} title="Reply" onClick={() => onReply(message)}>
          <Icon name="reply" />
        </button>
        <CopyButton text={message.text} label="Copy text" />
        <CopyButton text={location.origin + roomPath(room.id, message.id)} label="Copy link" icon="link" />
      </div>
    </article>
  )
}

export function Time({ at }: { at: number }) {
  return <time class="time" dateTime={new Date(at).toISOString()} title={fullTime(at)}>{clock(at)}</time>
}

/** How an answer ended, where it was not simply finished. */
function AnswerEnd({ room, answer, isEmpty }: { room: Room; answer: AnswerData; isEmpty: boolean }) {
  const { chat } = useDesk()
  if (answer.state === 'done') return null
  const by = answer.stopped_by
  const who = by === chat.me ? 'you' : by && nameOf(room, by)
  const words = {
    stopped: `Stopped${who ? ` by ${who}` : ''}${isEmpty ? ' before it said anything' : ''}`,
    interrupted: 'Interrupted: the assistant could not go on',
    failed: 'Failed: the assistant could not answer',
  }[answer.state]
  return <p class={`answer-end answer-${answer.state}`}>{words}.</p>
}

const MOST_READERS = 3

/** The people who have read up to here. */
function Readers({ readers }: { readers: readonly Member[] }) {
  if (readers.length === 0) return null
  const names = readers.map(reader => reader.name).join(', ')
  return (
    <p class="readers" title={`Seen by ${names}`}>
      <span class="visually-hidden">Seen by {names}</span>
      {readers.slice(0, MOST_READERS).map(reader => <Avatar key={reader.id} id={reader.id} name={reader.name} kind="human" size="tiny" />)}
      {readers.length > MOST_READERS && <span aria-hidden="true">+{readers.length - MOST_READERS}</span>}
    </p>
  )
}

function mentions(text: string, id: string): boolean {
  const folded = text.toLowerCase()
  const at = folded.indexOf(`@${id.toLowerCase()}`)
  return at >= 0 && !/[a-z0-9_]/.test(folded[at + id.length + 1] ?? ' ')
}
