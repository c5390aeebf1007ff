import { describe, expect, it } from 'vitest'

import {
  deleted,
  joined,
  latestLoaded,
  memberLeft,
  newRoom,
  opened,
  pieceSaid,
  presenceSaid,
  reacted,
  read,
  type Room,
  said,
  typed,
} from '../src/room'
import { joinData, ME, message, page } from './samples'

const entered = (): Room => latestLoaded(joined(newRoom('lab'), joinData()), page(1, 10, { has_more: false }))
const piece = (index: number, text: string, runId = 'a.1') => ({
  message: text,
  sender: 'haitch',
  message_id: 'a',
  run_id: runId,
  index,
})

describe('unread', () => {
  it('counts what others say out of view', () => {
    const room = said(
      said(entered(), message(11), ME, false, true),
      message(12, { sender: ME }),
      ME,
      false,
      true,
    )
    expect(room.unread).toBe(1)
  })

  it('counts a message that is delivered twice once', () => {
    const once = said(entered(), message(11), ME, false, true)
    expect(said(once, message(11), ME, false, true).unread).toBe(1)
  })

  it('does not count again what a resume delivers', () => {
    const back = joined(entered(), joinData({ last_seq: 12, unread: 2, continuous: true }))
    expect(said(said(back, message(11), ME, false, true), message(12), ME, false, true).unread).toBe(2)
  })

  it('ends when the mark reaches the end, also on another device', () => {
    const room = said(entered(), message(11), ME, false, true)
    expect(read(room, ME, 11, ME).unread).toBe(0)
  })

  it('shrinks to what is left when the mark moves a part of the way', () => {
    const room = [11, 12, 13].reduce((each, seq) => said(each, message(seq), ME, false, true), entered())
    expect(read(room, ME, 12, ME).unread).toBe(1)
  })

  it('ends with the last message, whatever was changed after it', () => {
    const away = { ...said(entered(), message(11), ME, false, true), lastSeq: 14 }
    expect(read({ ...away, history: newRoom('lab').history }, ME, 11, ME).unread).toBe(0)
  })

  it('does not count what was deleted before it came', () => {
    expect(said(entered(), message(11, { deleted: true, message: '' }), ME, false, true).unread).toBe(0)
  })

  it('shrinks when an unread message is deleted, not when a read one is', () => {
    const away = said(entered(), message(11), ME, false, true)
    const gone = (seq: number, of: number) => ({ message_id: `m${of}`, sender: 'bo', seq, message_seq: of })
    expect(deleted(away, gone(12, 5), ME).unread).toBe(1)
    expect(deleted(away, gone(12, 11), ME).unread).toBe(0)
    expect(deleted(deleted(away, gone(12, 11), ME), gone(12, 11), ME).unread).toBe(0)
  })

  it('is marked by a line from the first message that was not seen', () => {
    const away = [11, 12].reduce((each, seq) => said(each, message(seq), ME, false, true), entered())
    expect(away.newAfter).toBe(10)
    expect(said(entered(), message(11), ME, true, true).newAfter).toBeNull()
  })

  it('is marked from the read mark when a room is opened', () => {
    expect(opened(joined(newRoom('lab'), joinData({ read_seq: 7, unread: 3 }))).newAfter).toBe(7)
    expect(opened(entered()).newAfter).toBeNull()
  })
})

describe('reactions', () => {
  const react = (room: Room, sender: string, action: 'add' | 'remove') =>
    reacted(room, { message_id: 'm5', emoji: '👍', action, sender })
  const reactions = (room: Room) => room.history.messages[4]?.reactions

  it('count each person once, and go with the last of them', () => {
    const two = react(react(react(entered(), 'bo', 'add'), ME, 'add'), 'bo', 'add')
    expect(reactions(two)).toEqual([{ emoji: '👍', people: [ME, 'bo'] }])
    expect(reactions(react(react(two, 'bo', 'remove'), ME, 'remove'))).toEqual([])
  })

  it('to a message outside the window change nothing', () => {
    const room = entered()
    const outside = { message_id: 'old', emoji: '👍', action: 'add', sender: 'bo' } as const
    expect(reacted(room, outside).history).toBe(room.history)
  })
})

describe('resume', () => {
  it('goes on from the last event received when it is continuous', () => {
    const back = joined(entered(), joinData({ last_seq: 15, continuous: true }))
    expect(back.lastSeq).toBe(10)
  })

  it('starts at the present after a gap, and forgets answers that were being written', () => {
    const writing = pieceSaid(entered(), piece(0, 'Half'))
    const back = joined(writing, joinData({ last_seq: 5000, gap: true, reason: 'too_many' }))
    expect(back.lastSeq).toBe(5000)
    expect(back.answers).toEqual([])
  })

  it('goes on in a new generation that has everything', () => {
    const back = joined(entered(), joinData({ last_seq: 15, continuous: true, generation: 'g2' }))
    expect([back.generation, back.lastSeq]).toEqual(['g2', 10])
  })
})

describe('answers', () => {
  it('grow by pieces and start anew at index 0', () => {
    let room = pieceSaid(pieceSaid(entered(), piece(0, 'One')), piece(1, ' two'))
    expect(room.answers[0]?.text).toBe('One two')
    room = pieceSaid(room, piece(0, 'One two three', 'a.2'))
    expect(room.answers.map(answer => answer.text)).toEqual(['One two three'])
  })

  it('wait for piece 0 where the beginning is not known', () => {
    expect(pieceSaid(entered(), piece(4, 'end')).answers).toEqual([])
  })

  it('end with the message, whose late pieces are ignored', () => {
    const final = message(11, { message_id: 'a', sender: 'haitch', message: 'One two' })
    const room = said(pieceSaid(entered(), piece(0, 'One')), final, ME, true, true)
    expect(room.answers).toEqual([])
    expect(pieceSaid(room, piece(1, ' two')).answers).toEqual([])
  })

  it('show from the first sign of work, and end with it', () => {
    const begun = typed(entered(), { status: 'started', sender: 'haitch', message_id: 'a', run_id: 'a.1' })
    expect(begun.answers[0]).toMatchObject({ assistant: 'haitch', text: '' })
    expect(
      typed(begun, { status: 'stopped', sender: 'haitch', message_id: 'a', run_id: 'a.1' }).answers,
    ).toEqual([])
  })
})

describe('people', () => {
  it('stop typing when they say it or say something', () => {
    const typing = typed(entered(), { status: 'started', sender: 'bo' })
    expect([...typing.typing]).toEqual(['bo'])
    expect(typed(typing, { status: 'stopped', sender: 'bo' }).typing.size).toBe(0)
    expect(said(typing, message(11), ME, true, true).typing.size).toBe(0)
    expect(memberLeft(typing, 'bo', 2).typing.size).toBe(0)
  })

  it('change their presence; strangers change nothing', () => {
    const room = entered()
    expect(presenceSaid(room, 'bo', 'away').members.get('bo')?.presence).toBe('away')
    expect(presenceSaid(room, 'nobody', 'away')).toBe(room)
  })

  it('move their read mark forward only', () => {
    const room = read(read(entered(), 'bo', 9, ME), 'bo', 4, ME)
    expect(room.members.get('bo')?.readSeq).toBe(9)
  })
})
