import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { Connection, RequestError } from '../src/connection'
import { comeback } from '../src/backoff'
import type { Incoming } from '../src/protocol'
import { envelope } from './samples'

/** A socket whose other end is the test. */
class FakeSocket {
  static readonly OPEN = 1
  static all: FakeSocket[] = []
  static get last(): FakeSocket {
    return FakeSocket.all.at(-1)!
  }
  readyState = 0
  sent: Record<string, unknown>[] = []
  onopen: (() => void) | null = null
  onmessage: ((event: { data: string }) => void) | null = null
  onclose: ((event: { code: number; reason: string }) => void) | null = null
  constructor() {
    FakeSocket.all.push(this)
  }
  send(text: string) {
    this.sent.push(JSON.parse(text) as Record<string, unknown>)
  }
  close() {
    this.readyState = 3
  }
  accept() {
    this.readyState = FakeSocket.OPEN
    this.onopen?.()
  }
  say(message: Incoming) {
    this.onmessage?.({ data: JSON.stringify(message) })
  }
  end(code: number, reason = '') {
    this.readyState = 3
    this.onclose?.({ code, reason })
  }
}

describe('the connection', () => {
  const listener = { opened: vi.fn(), received: vi.fn(), closed: vi.fn() }
  let connection: Connection
  const state = () => connection.link.value.state

  beforeEach(() => {
    vi.useFakeTimers()
    vi.resetAllMocks()
    FakeSocket.all = []
    vi.stubGlobal('WebSocket', FakeSocket)
    vi.stubGlobal('addEventListener', vi.fn())
    vi.stubGlobal('removeEventListener', vi.fn())
    vi.stubGlobal('document', { hidden: false, addEventListener: vi.fn(), removeEventListener: vi.fn() })
    connection = new Connection('ws://server/ws', 'ana', listener)
    connection.start()
    FakeSocket.last.accept()
  })
  afterEach(() => {
    connection.stop()
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  it('comes back after a loss, and remembers since when it is gone', () => {
    const began = Date.now()
    FakeSocket.last.end(1006)
    expect(connection.link.value).toMatchObject({ state: 'waiting', since: began })
    vi.advanceTimersByTime(1_000)
    expect(FakeSocket.all).toHaveLength(2)
    FakeSocket.last.end(1006)
    expect(connection.link.value).toMatchObject({ state: 'waiting', since: began })
  })

  it('counts as gone until the server has said something', () => {
    FakeSocket.last.say(envelope('pong', {}))
    const began = Date.now()
    FakeSocket.last.end(1013)
    vi.advanceTimersByTime(1_000)
    FakeSocket.last.accept()
    FakeSocket.last.end(1013)
    expect(connection.link.value).toMatchObject({ state: 'waiting', since: began })
    vi.advanceTimersByTime(1_000)
    FakeSocket.last.accept()
    FakeSocket.last.say(envelope('pong', {}))
    FakeSocket.last.end(1013)
    expect(connection.link.value).toMatchObject({ state: 'waiting', since: began + 2_000 })
  })

  it('finds out by itself that nobody answers any more', () => {
    vi.advanceTimersByTime(20_000)
    expect(FakeSocket.last.sent.at(-1)).toMatchObject({ code: 'ping', user_id: 'ana' })
    vi.advanceTimersByTime(8_000)
    expect(listener.closed).toHaveBeenCalledWith(1006)
    expect(state()).toBe('waiting')
  })

  it('stays while pings are answered', () => {
    vi.advanceTimersByTime(20_000)
    FakeSocket.last.say(envelope('pong', {}))
    vi.advanceTimersByTime(19_000)
    expect(FakeSocket.all).toHaveLength(1)
  })

  it('does not come back where it is not wanted', () => {
    FakeSocket.last.end(1008, 'abuse')
    vi.advanceTimersByTime(60_000)
    expect([state(), FakeSocket.all.length]).toEqual(['refused', 1])
  })

  it('asks to sign in after 4401', () => {
    FakeSocket.last.end(4401)
    expect(state()).toBe('signed-out')
  })

  it('matches an answer to its request', async () => {
    const answer = connection.request({ code: 'historic', room_id: 'lab', data: {} })
    const { request_id: id } = FakeSocket.last.sent.at(-1) as { request_id: string }
    FakeSocket.last.say(envelope('historic_response', { messages: [] }, { request_id: id }))
    await expect(answer).resolves.toMatchObject({ code: 'historic_response' })
    expect(listener.received).not.toHaveBeenCalled()
  })

  it('rejects a request that the server refuses, and one that the end of the connection cuts off', async () => {
    const refused = connection.request({ code: 'join', room_id: 'lab', data: {} })
    const { request_id: id } = FakeSocket.last.sent.at(-1) as { request_id: string }
    const detail = { code: 'PERMISSION_DENIED', message: 'no' }
    FakeSocket.last.say(envelope('system', detail, { status: 'error', request_id: id }))
    await expect(refused).rejects.toEqual(new RequestError(detail))
    const cut = connection.request({ code: 'join', room_id: 'lab', data: {} })
    FakeSocket.last.end(1006)
    await expect(cut).rejects.toThrow('lost')
  })

  it('hands over the first envelope at once, and those that follow closely together', () => {
    for (const seq of [1, 2, 3]) FakeSocket.last.say(envelope('chat_response', { seq }))
    vi.advanceTimersByTime(20)
    const seqs = listener.received.mock.calls.map(([envelopes]: Incoming[][]) =>
      envelopes?.map(each => each.data['seq']),
    )
    expect(seqs).toEqual([[1], [2, 3]])
  })

  it('ignores what is no envelope', () => {
    FakeSocket.last.onmessage?.({ data: 'null' })
    FakeSocket.last.onmessage?.({ data: '{"code": 1}' })
    expect(listener.received).not.toHaveBeenCalled()
  })
})

describe('coming back', () => {
  it('waits longer each time, up to 15 s, and never in step with others', () => {
    const delays = [0, 1, 2, 20].map(failures => comeback(1006, '', failures, 1))
    expect(delays.map(each => each.kind === 'after' && each.delayMs)).toEqual([300, 600, 1200, 15_000])
    expect(comeback(1006, '', 0, 0)).toEqual({ kind: 'after', delayMs: 150 })
  })

  it('waits as a restarting server says', () => {
    expect(comeback(1012, 'retry_after=1.5', 0, 0)).toEqual({ kind: 'after', delayMs: 1500 })
  })

  it('comes back after it was too slow', () => {
    expect(comeback(1013, '', 0, 1)).toEqual({ kind: 'after', delayMs: 300 })
    expect(comeback(1013, 'too slow; retry_after=3.2', 0, 1)).toEqual({ kind: 'after', delayMs: 3200 })
  })

  it.each([1008, 1009, 4403])('stays away after %i', code => {
    expect(comeback(code, '', 0, 0).kind).toBe('never')
  })
})
