import { describe, expect, it } from 'vitest'

import { changeInWords, factsOf } from '../src/announcements'
import { approvalFrom } from '../src/approvals'
import { approvalSaid, doingSaid, joined, latestLoaded, newRoom, queueSaid, said } from '../src/room'
import { approvalData, joinData, ME, message, NOON, page } from './samples'

const empty = latestLoaded(joined(newRoom('lab'), joinData()), page(1, 10))
const about = { code: 'ASSISTANT_STATUS', sender: 'haitch', message_id: 'a' } as const
const change = (before: typeof empty, now: typeof empty) =>
  changeInWords(factsOf(before, ME), factsOf(now, ME))

describe('a screen reader', () => {
  it('is told what an assistant begins, does and ends, once each', () => {
    const searching = doingSaid(empty, { ...about, message: 'searching the drawings' })
    expect(change(empty, searching)).toBe('Haitch is answering. Haitch: searching the drawings.')
    expect(change(searching, doingSaid(searching, { ...about, message: 'searching the drawings' }))).toBe('')
    const done = said(searching, message(11, { message_id: 'a', sender: 'haitch' }), ME, true, true)
    expect(change(searching, done)).toBe('Haitch is done.')
  })

  it('is told what is asked, and what became of it', () => {
    const approval = (more = {}) => approvalFrom(approvalData(more), 'haitch', null, NOON, NOON)
    const asked = approvalSaid(empty, approval())
    expect(change(empty, asked)).toBe('Haitch asks for approval: Order 40 brackets.')
    const denied = approvalSaid(asked, approval({ decision: 'denied' }))
    expect(change(asked, denied)).toBe('denied: Order 40 brackets.')
  })

  it('is told one’s own place in a queue, and nobody else’s', () => {
    const waiting = ['bo', ME].map((sender, at) => ({ message_id: `m${at}`, sender, place: at + 1 }))
    const queued = queueSaid(empty, { code: 'ASSISTANT_QUEUE', message: '', sender: 'haitch', waiting })
    expect(change(empty, queued)).toBe('2nd in the queue of Haitch.')
  })
})
