import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { Outbox, type Unsent } from '../src/outbox'

class MemoryStorage implements Storage {
  private readonly map = new Map<string, string>()
  get length() {
    return this.map.size
  }
  clear() {
    this.map.clear()
  }
  getItem(key: string) {
    return this.map.get(key) ?? null
  }
  key() {
    return null
  }
  removeItem(key: string) {
    this.map.delete(key)
  }
  setItem(key: string, value: string) {
    this.map.set(key, value)
  }
}

const entry = (id: string, roomId = 'lab') => ({ id, roomId, text: id, files: [], replyTo: null, at: 0 })

describe('the outbox', () => {
  let storage: MemoryStorage
  let sent: string[]
  let isUp: boolean
  const open = () => new Outbox(storage, 'box', (each: Unsent) => isUp && sent.push(each.id) > 0)
  const states = (outbox: Outbox) => outbox.entries.value.map(each => `${each.id} ${each.state}`)

  beforeEach(() => {
    vi.useFakeTimers()
    storage = new MemoryStorage()
    sent = []
    isUp = true
  })
  afterEach(() => vi.useRealTimers())

  it('sends in the order of writing, one room at a time', () => {
    const outbox = open()
    for (const each of [entry('a'), entry('b', 'elsewhere'), entry('c')]) outbox.add(each)
    outbox.flush('lab')
    expect(sent).toEqual(['a', 'c'])
  })

  it('keeps a message until it is confirmed, and does not send it twice on one connection', () => {
    const outbox = open()
    outbox.add(entry('a'))
    outbox.flush('lab')
    outbox.flush('lab')
    expect([sent, states(outbox)]).toEqual([['a'], ['a sent']])
    outbox.confirmed('a')
    expect(states(outbox)).toEqual([])
  })

  it('sends again under the same id after the connection was lost', () => {
    const outbox = open()
    outbox.add(entry('a'))
    outbox.flush('lab')
    outbox.connectionLost()
    outbox.flush('lab')
    expect(sent).toEqual(['a', 'a'])
  })

  it('sends nothing out of order where the connection ends half-way', () => {
    const outbox = open()
    outbox.add(entry('a'))
    outbox.add(entry('b'))
    isUp = false
    outbox.flush('lab')
    expect(states(outbox)).toEqual(['a waiting', 'b waiting'])
  })

  it('survives a reload of the page', () => {
    const before = open()
    before.add(entry('a'))
    before.flush('lab')
    const after = open()
    expect(states(after)).toEqual(['a waiting'])
  })

  it('says so when nothing confirms a message, and takes a late confirmation all the same', () => {
    const outbox = open()
    outbox.add(entry('a'))
    outbox.flush('lab')
    vi.advanceTimersByTime(60_000)
    expect(states(outbox)).toEqual(['a failed'])
    outbox.confirmed('a')
    expect(states(outbox)).toEqual([])
  })

  it('tries again at once when asked, and later when the server said so', () => {
    const outbox = open()
    outbox.add(entry('a'))
    outbox.flush('lab')
    outbox.failed('a', 'refused')
    outbox.retry('a')
    outbox.retry('a', 2_000)
    expect(sent).toEqual(['a', 'a'])
    vi.advanceTimersByTime(2_000)
    expect(sent).toEqual(['a', 'a', 'a'])
  })

  it('starts empty where another version of the page left something unreadable', () => {
    storage.setItem('box', '{')
    expect(states(open())).toEqual([])
  })
})
