/** What the page knows of one room. Pure: every change is a function from one state to the next. */

import { type Answer, withBegun, withDoing, withoutAnswer, withPiece } from './answers'
import { type Approval, withApproval, withListed, withoutAnswered } from './approvals'
import {
  type History,
  latestPage,
  type Message,
  NO_HISTORY,
  pastPage,
  withDeleted,
  withEdit,
  withLive,
  withNewer,
  withOlder,
  withReaction,
} from './history'
import { nameFromId } from './ids'
import type {
  DeleteData,
  EditData,
  FeedbackData,
  HistoricData,
  JoinData,
  MemberData,
  MemberKind,
  NewMemberData,
  NotificationData,
  PieceData,
  Presence,
  Rating,
  ReactionData,
  RoomKind,
  RoomSummary,
  Stoppers,
  TypingData,
} from './protocol'
import { type Queues, withoutQueue, withQueue } from './queue'

export interface Member {
  id: string
  name: string
  kind: MemberKind
  presence: Presence
  readSeq: number
}

export interface Room {
  id: string
  kind: RoomKind
  /** Who made it; `null` until the list of rooms tells. */
  creator: string | null
  /** Who may stop answers here; `null` until the list of rooms tells. */
  stoppers: Stoppers | null
  /** Whether this connection gets the room's events. */
  subscribed: boolean
  /** Why the room can not be entered. */
  denied: string | null
  generation: string | null
  /** The last durable event received: where a resume goes on. */
  lastSeq: number
  readSeq: number
  unread: number
  /** The last message heard: after it there may be changes of messages, which nobody has to read. */
  lastSaidSeq: number
  /** `unread` counts every message up to here: what a resume delivers again must not count twice. */
  countedSeq: number
  /** What comes after this seq was new to the reader when the room was opened, or while it was out of view. */
  newAfter: number | null
  /** A quiet word above the messages, such as why some of them were loaded again. */
  notice: string | null
  memberCount: number
  members: ReadonlyMap<string, Member>
  /** People who type; an assistant at work stands in `answers`. */
  typing: ReadonlySet<string>
  answers: readonly Answer[]
  /** Questions that wait for an assistant. */
  queues: Queues
  /** Actions that wait for a person, and those decided while their answer goes on. */
  approvals: readonly Approval[]
  /** What the reader said of answers in this page, by message id. */
  ratings: ReadonlyMap<string, Rating>
  history: History
}

/** What the page calls a member, or someone who is none any more. */
export function nameOf(room: Pick<Room, 'members'>, userId: string): string {
  return room.members.get(userId)?.name ?? nameFromId(userId)
}

export function newRoom(id: string): Room {
  return {
    id,
    kind: 'open',
    creator: null,
    stoppers: null,
    subscribed: false,
    denied: null,
    generation: null,
    lastSeq: 0,
    readSeq: 0,
    unread: 0,
    lastSaidSeq: 0,
    countedSeq: 0,
    newAfter: null,
    notice: null,
    memberCount: 0,
    members: new Map(),
    typing: new Set(),
    answers: [],
    queues: new Map(),
    approvals: [],
    ratings: new Map(),
    history: NO_HISTORY,
  }
}

export function listed(room: Room, summary: RoomSummary): Room {
  const { kind, creator, stoppers } = summary
  const { unread, read_seq: readSeq, member_count: memberCount, last_seq: countedSeq } = summary
  return room.subscribed
    ? { ...room, kind, creator, stoppers }
    : { ...room, kind, creator, stoppers, unread, readSeq, memberCount, countedSeq }
}

/**
 * The server's answer to a join. A resume that is continuous goes on from the position that the room had, and the
 * missed events follow; any other starts at the present.
 */
export function joined(room: Room, data: JoinData): Room {
  const resumes = data.continuous === true
  return {
    ...room,
    kind: data.kind,
    subscribed: true,
    denied: null,
    generation: data.generation,
    lastSeq: resumes ? room.lastSeq : data.last_seq,
    readSeq: data.read_seq,
    unread: data.unread,
    countedSeq: data.last_seq,
    newAfter: data.unread > 0 && room.unread === 0 ? data.read_seq : room.newAfter,
    memberCount: data.member_count,
    members: new Map(data.members.map(member => [member.id, memberFrom(member)])),
    typing: new Set(),
    answers: resumes ? room.answers : [],
  }
}

export function disconnected(room: Room): Room {
  return { ...room, subscribed: false, typing: new Set(), queues: new Map() }
}

/** Every durable event moves the position, also one that this page does not show. */
export function advanced(room: Room, seq: number): Room {
  return seq > room.lastSeq ? { ...room, lastSeq: seq } : room
}

/** Someone said something. `reading` says that the reader has the end of this room in view. */
export function said(room: Room, message: Message, me: string, reading: boolean, keepNewest: boolean): Room {
  const counts = message.seq > room.countedSeq && message.sender !== me && !message.deleted
  return {
    ...advanced(room, message.seq),
    countedSeq: Math.max(room.countedSeq, message.seq),
    lastSaidSeq: Math.max(room.lastSaidSeq, message.seq),
    typing: withoutTyping(room.typing, message.sender),
    answers: withoutAnswer(room.answers, message.id),
    approvals: withoutAnswered(room.approvals, message.id),
    unread: counts ? room.unread + 1 : room.unread,
    newAfter: counts && !reading && room.unread === 0 ? message.seq - 1 : room.newAfter,
    history: withLive(room.history, message, keepNewest),
  }
}

export function edited(room: Room, data: EditData): Room {
  return { ...room, history: withEdit(room.history, data) }
}

/** A message that was not read yet is none any more. */
export function deleted(room: Room, data: DeleteData, me: string): Room {
  const wasUnread = data.message_seq > room.readSeq && data.seq > room.countedSeq && data.sender !== me
  return {
    ...room,
    countedSeq: Math.max(room.countedSeq, data.seq),
    unread: wasUnread ? Math.max(0, room.unread - 1) : room.unread,
    history: withDeleted(room.history, data.message_id),
  }
}

export function reacted(room: Room, data: ReactionData): Room {
  return { ...room, history: withReaction(room.history, data) }
}

export function rated(room: Room, { message_id: id, rating }: FeedbackData): Room {
  return { ...room, ratings: new Map(room.ratings).set(id, rating) }
}

export function pieceSaid(room: Room, piece: PieceData): Room {
  return isFinished(room, piece.message_id)
    ? room
    : { ...room, answers: withPiece(room.answers, piece) }
}

export function doingSaid(room: Room, data: NotificationData): Room {
  return data.message_id && isFinished(room, data.message_id)
    ? room
    : { ...room, answers: withDoing(room.answers, data) }
}

/** What is told of an answer while it is written may come after its end. */
function isFinished(room: Room, messageId: string): boolean {
  return room.history.messages.some(message => message.id === messageId)
}

export function queueSaid(room: Room, { sender, waiting = [] }: NotificationData): Room {
  return { ...room, queues: withQueue(room.queues, sender, waiting) }
}

export function approvalSaid(room: Room, approval: Approval): Room {
  return approval.answerId && isFinished(room, approval.answerId)
    ? room
    : { ...room, approvals: withApproval(room.approvals, approval) }
}

export function approvalsListed(room: Room, open: readonly Approval[]): Room {
  return { ...room, approvals: withListed(room.approvals, open) }
}

export function typed(room: Room, data: TypingData): Room {
  const { status, sender, message_id: messageId } = data
  if (messageId) {
    if (status === 'started') return { ...room, answers: withBegun(room.answers, data) }
    // One that ended without a word, as a worker that died does, tells nobody that they wait no more.
    return {
      ...room,
      answers: withoutAnswer(room.answers, messageId),
      queues: withoutQueue(room.queues, sender),
    }
  }
  if (status === 'started') return { ...room, typing: new Set(room.typing).add(sender) }
  return { ...room, typing: withoutTyping(room.typing, sender) }
}

export function presenceSaid(room: Room, userId: string, presence: Presence): Room {
  const member = room.members.get(userId)
  if (!member || member.presence === presence) return room
  return { ...room, members: new Map(room.members).set(userId, { ...member, presence }) }
}

/** A read mark moved; one's own may have moved on another device. */
export function read(room: Room, userId: string, readSeq: number, me: string): Room {
  const member = room.members.get(userId)
  const moves = member && readSeq > member.readSeq
  const members = moves ? new Map(room.members).set(userId, { ...member, readSeq }) : room.members
  if (userId !== me || readSeq <= room.readSeq) return { ...room, members }
  const isLeft = (message: Message) => message.seq > readSeq && message.sender !== me && !message.deleted
  const left = room.history.messages.filter(isLeft).length
  const hasReadAll = readSeq >= (room.lastSaidSeq || room.lastSeq)
  const unread = hasReadAll ? 0 : room.history.loaded ? left : room.unread
  return { ...room, members, readSeq, unread }
}

export function memberCame(room: Room, data: NewMemberData): Room {
  const members = new Map(room.members).set(data.member.id, memberFrom(data.member))
  return { ...room, members, memberCount: data.member_count }
}

export function memberLeft(room: Room, userId: string, memberCount: number): Room {
  const members = new Map(room.members)
  members.delete(userId)
  const answers = room.answers.filter(answer => answer.assistant !== userId)
  const queues = withoutQueue(room.queues, userId)
  return { ...room, members, memberCount, answers, queues, typing: withoutTyping(room.typing, userId) }
}

export function membersLoaded(room: Room, all: readonly MemberData[], memberCount: number): Room {
  return { ...room, memberCount, members: new Map(all.map(member => [member.id, memberFrom(member)])) }
}

export function latestLoaded(room: Room, page: HistoricData): Room {
  const inPage = new Set(page.messages.map(message => message.message_id))
  const answers = room.answers.filter(answer => !inPage.has(answer.messageId))
  return atGeneration({ ...room, answers, history: latestPage(page) }, page)
}

export function pastLoaded(room: Room, page: HistoricData): Room {
  return atGeneration({ ...room, history: pastPage(page, room.lastSeq) }, page)
}

export function olderLoaded(room: Room, page: HistoricData): Room {
  return { ...room, history: withOlder(room.history, page) }
}

export function newerLoaded(room: Room, page: HistoricData): Room {
  return { ...room, history: withNewer(room.history, page) }
}

/**
 * The reader opened the room, at the present: what was unread at this moment stays marked until it is left.
 */
export function opened(room: Room): Room {
  const history = room.history.hasNewer ? NO_HISTORY : room.history
  return { ...room, history, notice: null, newAfter: room.unread > 0 ? room.readSeq : null }
}

function atGeneration(room: Room, page: HistoricData): Room {
  return room.generation === null || room.generation === page.generation
    ? room
    : { ...room, generation: page.generation }
}

function withoutTyping(typing: ReadonlySet<string>, userId: string): ReadonlySet<string> {
  if (!typing.has(userId)) return typing
  const rest = new Set(typing)
  rest.delete(userId)
  return rest
}

function memberFrom(data: MemberData): Member {
  // An open server knows no names: it repeats the id.
  const name = data.name === data.id ? nameFromId(data.id) : data.name
  return { id: data.id, name, kind: data.kind, presence: data.presence, readSeq: data.read_seq ?? 0 }
}
