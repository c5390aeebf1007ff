import { describe, expect, it } from 'vitest'

import type { Unsent } from '../src/outbox'
import { joined, latestLoaded, newRoom, read, type Room } from '../src/room'
import { readersByMessage, timeline } from '../src/timeline'
import { chatData, joinData, ME, NOON, page } from './samples'

const DAY_S = 86_400

function room(...messages: ReturnType<typeof chatData>[]): Room {
  return latestLoaded(joined(newRoom('lab'), joinData()), { ...page(1, 0), messages, has_more: false })
}
const unsent: Unsent = {
  id: 'u',
  roomId: 'lab',
  text: 'hi',
  files: [],
  replyTo: null,
  at: NOON,
  state: 'waiting',
  why: null,
}
const kinds = (rows: ReturnType<typeof timeline>) => rows.map(row => row.kind)

describe('rows', () => {
  it('keep the place of a deleted message, of which nothing else is told', () => {
    const gone = { message_id: 'm2', seq: 2, deleted: true, message: '' } as ReturnType<typeof chatData>
    expect(kinds(timeline(room(chatData(1), gone, chatData(3)), [], ME))).toEqual([
      'day',
      'message',
      'message',
      'message',
    ])
  })

  it('begin each day with its name', () => {
    const later = chatData(DAY_S * 2)
    expect(kinds(timeline(room(chatData(1), later), [], ME))).toEqual(['day', 'message', 'day', 'message'])
  })

  it('group what one person says in a row', () => {
    const rows = timeline(
      room(chatData(1), chatData(2), chatData(3, { sender: 'cy' }), chatData(1000, { sender: 'cy' })),
      [],
      ME,
    )
    expect(rows.flatMap(row => (row.kind === 'message' ? [row.startsRun] : []))).toEqual([
      true,
      false,
      true,
      true,
    ])
  })

  it('have the unread line above the first message of another', () => {
    const unread = { ...room(chatData(1), chatData(2, { sender: ME }), chatData(3)), newAfter: 1 }
    expect(timeline(unread, [], ME).map(row => row.key)).toEqual([
      'day-' + new Date(NOON).toDateString(),
      'm1',
      'm2',
      'new',
      'm3',
    ])
  })

  it('end with what is on its way', () => {
    expect(kinds(timeline(room(chatData(1)), [unsent], ME))).toEqual(['day', 'message', 'unsent'])
  })

  it('quote the question of an answer only when something stands between', () => {
    const answer = (seq: number) =>
      chatData(seq, { sender: 'haitch', reply_to: 'm1', assistant: { state: 'done' } })
    const quotes = (...messages: ReturnType<typeof chatData>[]) =>
      timeline(room(...messages), [], ME).flatMap(row => (row.kind === 'message' ? [row.quotes] : []))
    expect(quotes(chatData(1), answer(2))).toEqual([null, null])
    expect(quotes(chatData(1), chatData(2), answer(3))).toEqual([null, null, 'm1'])
  })
})

describe('who has read', () => {
  it('stands at the last message that a person has read, and not at their own', () => {
    const lab = room(chatData(1, { sender: ME }), chatData(2, { sender: ME }), chatData(3))
    const at = (seq: number) => [...readersByMessage(read(lab, 'bo', seq, ME), ME).keys()]
    expect(at(2)).toEqual(['m2'])
    expect(at(3)).toEqual([])
  })
})
