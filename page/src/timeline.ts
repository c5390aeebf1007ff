/** The rows of a timeline: messages in runs of one sender, day separators, the unread line, what is on its way. */

import type { Message } from './history'
import type { Unsent } from './outbox'
import type { Room } from './room'

export type Row =
  | { kind: 'day'; key: string; at: number }
  | { kind: 'new'; key: string }
  | { kind: 'message'; key: string; message: Message; startsRun: boolean; quotes: string | null }
  | { kind: 'unsent'; key: string; entry: Unsent; startsRun: boolean }

/** A sender who speaks again within this time goes on in the same run. */
const RUN_MS = 5 * 60_000

export function timeline(room: Room, unsent: readonly Unsent[], me: string): Row[] {
  const rows: Row[] = []
  const { newAfter } = room
  let previous: { sender: string; at: number } | null = null
  /** The message just above: an answer right below its question needs no quote of it. */
  let said: string | null = null
  let isMarked = newAfter === null
  for (const message of room.history.messages) {
    if (message.deleted) {
      // Of a deleted message the server may tell neither the sender nor the time.
      rows.push({ kind: 'message', key: message.id, message, startsRun: true, quotes: null })
      said = message.id
      continue
    }
    if (!previous || dayOf(previous.at) !== dayOf(message.at)) {
      rows.push({ kind: 'day', key: `day-${dayOf(message.at)}`, at: message.at })
      previous = null
    }
    if (!isMarked && newAfter !== null && message.seq > newAfter && message.sender !== me) {
      rows.push({ kind: 'new', key: 'new' })
      isMarked = true
      previous = null
    }
    const quotes = message.answer && message.replyTo === said ? null : message.replyTo
    rows.push({ kind: 'message', key: message.id, message, startsRun: startsRun(previous, message), quotes })
    previous = message
    said = message.id
  }
  if (room.history.hasNewer) return rows
  for (const entry of unsent) {
    const next = { sender: me, at: entry.at, replyTo: entry.replyTo }
    rows.push({ kind: 'unsent', key: entry.id, entry, startsRun: startsRun(previous, next) })
    previous = next
  }
  return rows
}

/** Who has read up to where: by message, the ids of the people whose mark stands on it; without oneself. */
export function readersByMessage(room: Room, me: string): ReadonlyMap<string, readonly string[]> {
  const readers = new Map<string, string[]>()
  const { messages } = room.history
  for (const member of room.members.values()) {
    if (member.id === me || member.kind === 'assistant' || member.readSeq === 0) continue
    const last = messages.findLast(message => message.seq <= member.readSeq)
    const isBelow =
      room.history.hasNewer && last === messages.at(-1) && last !== undefined && last.seq < member.readSeq
    if (!last || isBelow || last.sender === member.id) continue
    readers.set(last.id, [...(readers.get(last.id) ?? []), member.id])
  }
  return readers
}

function startsRun(
  previous: { sender: string; at: number } | null,
  next: { sender: string; at: number; replyTo: string | null },
): boolean {
  return (
    !previous || previous.sender !== next.sender || next.replyTo !== null || next.at - previous.at > RUN_MS
  )
}

function dayOf(at: number): string {
  return new Date(at).toDateString()
}
