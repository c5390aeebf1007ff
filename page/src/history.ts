/** The part of a room's history that the page holds: a window of consecutive messages, oldest first. */

import type {
  AnswerData,
  ChatData,
  EditData,
  HistoricData,
  HistoricMessage,
  ReactionData,
  RequestData,
} from './protocol'

export interface Reaction {
  emoji: string
  /** Ids of who gave it, in the order in which they did. */
  people: readonly string[]
}

export interface Message {
  id: string
  seq: number
  /** Empty where the server does not tell it any more. */
  sender: string
  text: string
  /** ms since the epoch, by the server's clock; `NaN` where it does not tell it any more. */
  at: number
  isEdited: boolean
  reactions: readonly Reaction[]
  files: readonly string[]
  replyTo: string | null
  answer: AnswerData | null
  /** What was asked for, where it was more than words. */
  request: RequestData | null
  deleted: boolean
}

export interface History {
  /** False until a first page arrived. */
  loaded: boolean
  messages: readonly Message[]
  hasOlder: boolean
  /** The window does not reach the present: live messages are counted, not shown. */
  hasNewer: boolean
}

/** Rows a browser lays out without a noticeable pause; older or newer ones are paged in again. */
export const MOST_MESSAGES = 300
export const PAGE = 50

export const NO_HISTORY: History = { loaded: false, messages: [], hasOlder: false, hasNewer: false }

export function messageFrom(data: ChatData | HistoricMessage, timestamp: string): Message {
  return {
    id: data.message_id,
    seq: data.seq,
    sender: data.sender ?? '',
    text: data.message,
    at: Date.parse(data.accepted_at ?? timestamp),
    isEdited: data.edited_at !== undefined,
    reactions: Object.entries(data.reactions ?? {}).map(([emoji, people]) => ({ emoji, people })),
    files: data.attached_files ?? [],
    replyTo: data.reply_to ?? null,
    answer: data.assistant ?? null,
    request: data.request ?? null,
    deleted: data.deleted ?? false,
  }
}

/** The newest page replaces whatever was there. */
export function latestPage(page: HistoricData): History {
  return { loaded: true, messages: messagesOf(page), hasOlder: page.has_more, hasNewer: false }
}

/** A page around a place in the past; newer messages are known to exist when it ends before `lastSeq`. */
export function pastPage(page: HistoricData, lastSeq: number): History {
  return { ...latestPage(page), hasNewer: (page.last_seq ?? 0) < lastSeq }
}

export function withOlder(history: History, page: HistoricData): History {
  const messages = merge(messagesOf(page), history.messages)
  return {
    ...history,
    messages: messages.slice(0, MOST_MESSAGES),
    hasOlder: page.has_more,
    hasNewer: history.hasNewer || messages.length > MOST_MESSAGES,
  }
}

export function withNewer(history: History, page: HistoricData): History {
  const messages = merge(history.messages, messagesOf(page))
  return {
    ...history,
    messages: messages.slice(-MOST_MESSAGES),
    hasOlder: history.hasOlder || messages.length > MOST_MESSAGES,
    hasNewer: page.has_more,
  }
}

/**
 * A message that was just said. With `keepNewest` (the reader is at the end) a full window lets its oldest
 * rows go; else it stays where the reader is and ends before the present.
 */
export function withLive(history: History, message: Message, keepNewest: boolean): History {
  if (!history.loaded || history.hasNewer) return history
  const known = history.messages.filter(each => each.id !== message.id)
  const messages = merge(known, [message]) // What comes later is what it says now.
  if (messages.length <= MOST_MESSAGES) return { ...history, messages }
  if (!keepNewest) return { ...history, hasNewer: true }
  return { ...history, messages: messages.slice(-MOST_MESSAGES), hasOlder: true }
}

/** The same window with one message changed; the same object where the message is not in it. */
function withChanged(history: History, id: string, change: (message: Message) => Message): History {
  const known = history.messages.find(message => message.id === id)
  if (!known || known.deleted) return history
  return { ...history, messages: history.messages.map(each => (each === known ? change(known) : each)) }
}

export function withEdit(history: History, { message_id: id, message: text, deleted }: EditData): History {
  if (deleted) return withDeleted(history, id)
  return withChanged(history, id, message => ({ ...message, text, isEdited: true }))
}

/** What was said is forgotten; its place stays. */
export function withDeleted(history: History, id: string): History {
  const gone = { deleted: true, text: '', files: [], replyTo: null, request: null, reactions: [] }
  return withChanged(history, id, message => ({ ...message, ...gone, isEdited: false }))
}

export function withReaction(history: History, { message_id: id, ...said }: ReactionData): History {
  return withChanged(history, id, message => ({ ...message, reactions: reacted(message.reactions, said) }))
}

/** Saying the same again changes nothing. */
function reacted(
  reactions: readonly Reaction[],
  { emoji, action, sender }: Omit<ReactionData, 'message_id'>,
): readonly Reaction[] {
  const known = reactions.find(each => each.emoji === emoji)
  const others = known?.people.filter(id => id !== sender) ?? []
  const people = action === 'add' ? [...others, sender] : others
  if (!known) return people.length > 0 ? [...reactions, { emoji, people }] : reactions
  return reactions
    .map(each => (each === known ? { emoji, people } : each))
    .filter(each => each.people.length > 0)
}

function messagesOf(page: HistoricData): Message[] {
  return page.messages.map(each => messageFrom(each, each.timestamp ?? ''))
}

/** By seq, one of each id; a message that is there already stays the same object: its row is not drawn again. */
function merge(first: readonly Message[], second: readonly Message[]): Message[] {
  const byId = new Map<string, Message>()
  for (const message of [...first, ...second]) if (!byId.has(message.id)) byId.set(message.id, message)
  return [...byId.values()].toSorted((a, b) => a.seq - b.seq)
}
