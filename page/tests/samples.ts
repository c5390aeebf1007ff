/** Small made-up data for the tests. */

import { type Message, messageFrom } from '../src/history'
import type { ApprovalData, ChatData, HistoricData, Incoming, JoinData, MemberData } from '../src/protocol'

export const ME = 'ana'
export const NOON = Date.parse('2026-06-01T12:00:00.000Z')

export function chatData(seq: number, more: Partial<ChatData> = {}): ChatData {
  const at = new Date(NOON + seq * 1000).toISOString()
  return { message: `text ${seq}`, sender: 'bo', message_id: `m${seq}`, seq, accepted_at: at, ...more }
}

export function message(seq: number, more: Partial<ChatData> = {}): Message {
  return messageFrom(chatData(seq, more), '')
}

/** Messages `from` to `to`, both included. */
export function page(from: number, to: number, more: Partial<HistoricData> = {}): HistoricData {
  const messages = Array.from({ length: to - from + 1 }, (_, index) => chatData(from + index))
  return { messages, has_more: from > 1, first_seq: from, last_seq: to, generation: 'g1', ...more }
}

export function member(id: string, more: Partial<MemberData> = {}): MemberData {
  return { id, name: id, kind: 'human', presence: 'online', read_seq: 0, ...more }
}

export function joinData(more: Partial<JoinData> = {}): JoinData {
  const members = [member('ana'), member('bo'), member('haitch', { name: 'Haitch', kind: 'assistant' })]
  return {
    kind: 'open',
    member_count: 3,
    members,
    generation: 'g1',
    last_seq: 10,
    read_seq: 10,
    unread: 0,
    ...more,
  }
}

/** Open, with five minutes left at noon. */
export function approvalData(more: Partial<ApprovalData> = {}): ApprovalData {
  return {
    approval_id: 'apr',
    action: 'Order 40 brackets',
    arguments: '{"count": 40}',
    asker: ME,
    expires_at: new Date(NOON + 300_000).toISOString(),
    ...more,
  }
}

export function envelope(code: string, data: object, more: Partial<Incoming> = {}): Incoming {
  return {
    status: 'success',
    code,
    room_id: 'lab',
    timestamp: new Date(NOON).toISOString(),
    data: data as Record<string, unknown>,
    ...more,
  }
}
