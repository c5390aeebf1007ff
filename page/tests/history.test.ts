import { describe, expect, it } from 'vitest'

import {
  latestPage,
  MOST_MESSAGES,
  NO_HISTORY,
  pastPage,
  withLive,
  withNewer,
  withOlder,
} from '../src/history'
import { message, page } from './samples'

const seqs = (messages: readonly { seq: number }[]) => messages.map(each => each.seq)

describe('the window of messages', () => {
  it('shows what a message says now when it is heard again', () => {
    const history = latestPage(page(50, 60))
    const again = withLive(history, message(55, { message: 'better', edited_at: 'x' }), true)
    expect(again.messages).toHaveLength(11)
    expect(again.messages[5]).toMatchObject({ text: 'better', isEdited: true })
  })

  it('keeps what was there when an overlapping page comes, so that its rows are not drawn again', () => {
    const history = latestPage(page(50, 60))
    const wider = withOlder(history, page(45, 52))
    expect(seqs(wider.messages)).toEqual(Array.from({ length: 16 }, (_, index) => 45 + index))
    expect(wider.messages.at(-1)).toBe(history.messages.at(-1))
  })

  it('lets the newest go when the reader pages far back', () => {
    const full = latestPage(page(101, 100 + MOST_MESSAGES))
    const older = withOlder(full, page(51, 100))
    expect(older.messages).toHaveLength(MOST_MESSAGES)
    expect([older.messages[0]?.seq, older.hasNewer]).toEqual([51, true])
  })

  it('comes back to the present page by page', () => {
    const past = pastPage(page(1, 200), 400)
    expect(past.hasNewer).toBe(true)
    const present = withNewer(past, page(201, 400, { has_more: false }))
    expect([present.messages.at(-1)?.seq, present.hasNewer, present.hasOlder]).toEqual([400, false, true])
    expect(present.messages).toHaveLength(MOST_MESSAGES)
  })

  it('shows a live message once', () => {
    const history = withLive(latestPage(page(1, 3)), message(4), true)
    expect(seqs(withLive(history, message(4), true).messages)).toEqual([1, 2, 3, 4])
  })

  it('never takes rows away above a reader who has scrolled up', () => {
    const full = latestPage(page(1, MOST_MESSAGES))
    const next = message(MOST_MESSAGES + 1)
    expect(withLive(full, next, true).messages[0]?.seq).toBe(2)
    expect(withLive(full, next, false)).toEqual({ ...full, hasNewer: true })
  })

  it('shows nothing live where it does not reach the present', () => {
    expect(withLive(NO_HISTORY, message(1), true)).toBe(NO_HISTORY)
    const past = pastPage(page(1, 10), 50)
    expect(withLive(past, message(51), true)).toBe(past)
  })
})
