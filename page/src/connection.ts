/** One WebSocket to the server that comes back by itself. It knows envelopes, but nothing of rooms. */

import { signal } from '@preact/signals'

import { comeback } from './backoff'
import { errorOf, type ErrorData, type Incoming, type Outgoing, parseEnvelope } from './protocol'

export type Link =
  /** `since`, when the page was last connected, and `until` are in ms of `Date.now()`. */
  | { state: 'connecting'; since: number }
  | { state: 'waiting'; since: number; until: number }
  | { state: 'open' }
  | { state: 'signed-out' }
  | { state: 'refused'; why: string }

export interface Listener {
  opened(): void
  /** In the order in which they came. After a while away many come at once. */
  received(envelopes: readonly Incoming[]): void
  /** The code of the close frame, before anything is decided about coming back. */
  closed(code: number): void
}

/** A request that the server answered with an error envelope. */
export class RequestError extends Error {
  constructor(readonly detail: ErrorData) {
    super(detail.message)
  }
}

/** Quiet for this long: ask whether the other side is there. Proxies cut idle connections after 30 to 60 s. */
const PING_AFTER_MS = 20_000
/** No word for this long after a ping: the connection is dead, whatever TCP believes. */
const PONG_WITHIN_MS = 8_000
/** A frame of the screen: sooner would not be seen. */
const GATHER_MS = 16
const REQUEST_TIMEOUT_MS = 15_000

interface Waiting {
  resolve(envelope: Incoming): void
  reject(error: Error): void
  timer: number
}

export class Connection {
  readonly link = signal<Link>({ state: 'connecting', since: Date.now() })
  private socket: WebSocket | null = null
  private failures = 0
  private downSince: number | null = Date.now()
  private retryTimer = 0
  private quietTimer = 0
  private gathered: Incoming[] = []
  private gatherTimer = 0
  private requests = new Map<string, Waiting>()
  private requestCount = 0

  constructor(
    private readonly url: string,
    private readonly userId: string,
    private readonly listener: Listener,
  ) {}

  /** Connects, and stays connected until `stop()` or a close that forbids coming back. */
  start(): void {
    addEventListener('online', this.retryNow)
    addEventListener('offline', this.probe)
    document.addEventListener('visibilitychange', this.whenVisible)
    this.open()
  }

  stop(): void {
    removeEventListener('online', this.retryNow)
    removeEventListener('offline', this.probe)
    document.removeEventListener('visibilitychange', this.whenVisible)
    clearTimeout(this.retryTimer)
    clearTimeout(this.gatherTimer)
    this.detach()?.close(1000)
  }

  /** Sends, or answers `false` where nothing is connected: what must not be lost is in the outbox. */
  send(envelope: Omit<Outgoing, 'user_id'>): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false
    this.socket.send(JSON.stringify({ ...envelope, user_id: this.userId }))
    return true
  }

  /**
   * Sends and waits for the answer, which the listener does not hear. Rejects with `RequestError`, or with `Error`
   * when the connection ends first.
   */
  request(envelope: Omit<Outgoing, 'user_id' | 'request_id'>): Promise<Incoming> {
    const id = `r${++this.requestCount}`
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.settle(id)?.reject(new Error('The server did not answer.')),
        REQUEST_TIMEOUT_MS,
      )
      this.requests.set(id, { resolve, reject, timer })
      if (!this.send({ ...envelope, request_id: id })) this.settle(id)?.reject(new Error('Not connected.'))
    })
  }

  /** Ends the waiting before the next attempt. */
  readonly retryNow = (): void => {
    if (this.link.peek().state !== 'waiting') return
    clearTimeout(this.retryTimer)
    this.open()
  }

  private open(): void {
    this.downSince ??= Date.now()
    this.link.value = { state: 'connecting', since: this.downSince }
    const socket = new WebSocket(this.url)
    this.socket = socket
    socket.onopen = () => {
      this.link.value = { state: 'open' }
      this.listenForSilence()
      this.listener.opened()
    }
    socket.onmessage = event => this.receive(String(event.data))
    socket.onclose = event => this.ended(event.code, event.reason)
  }

  private receive(text: string): void {
    this.listenForSilence()
    const envelope = parseEnvelope(text)
    if (!envelope) return
    // Only now is it up again: a server that accepts, complains and closes must not be hammered.
    if (envelope.status === 'success') {
      this.failures = 0
      this.downSince = null
    }
    const waiting = envelope.request_id ? this.settle(envelope.request_id) : undefined
    const error = errorOf(envelope)
    if (waiting) this.deliver() // What came before an answer is known before it.
    if (waiting && error) waiting.reject(new RequestError(error))
    else if (waiting) waiting.resolve(envelope)
    else this.gather(envelope)
  }

  /** One at once, what follows closely together: a thousand missed messages are a few changes of the page. */
  private gather(envelope: Incoming): void {
    this.gathered.push(envelope)
    if (this.gatherTimer) return
    this.deliver()
    this.gatherTimer = setTimeout(() => {
      this.gatherTimer = 0
      this.deliver()
    }, GATHER_MS)
  }

  private deliver(): void {
    const envelopes = this.gathered
    this.gathered = []
    if (envelopes.length > 0) this.listener.received(envelopes)
  }

  private ended(code: number, reason: string): void {
    this.detach()
    this.deliver()
    this.listener.closed(code)
    const next = comeback(code, reason, this.failures++, Math.random())
    if (next.kind === 'sign-in') this.link.value = { state: 'signed-out' }
    else if (next.kind === 'never') this.link.value = { state: 'refused', why: next.why }
    else {
      const now = Date.now()
      this.downSince ??= now
      this.link.value = { state: 'waiting', since: this.downSince, until: now + next.delayMs }
      this.retryTimer = setTimeout(this.retryNow, next.delayMs)
    }
  }

  private detach(): WebSocket | null {
    const socket = this.socket
    this.socket = null
    clearTimeout(this.quietTimer)
    if (socket) socket.onopen = socket.onmessage = socket.onclose = null
    for (const id of this.requests.keys()) this.settle(id)?.reject(new Error('The connection was lost.'))
    return socket
  }

  private settle(id: string): Waiting | undefined {
    const waiting = this.requests.get(id)
    this.requests.delete(id)
    clearTimeout(waiting?.timer)
    return waiting
  }

  private listenForSilence(): void {
    clearTimeout(this.quietTimer)
    this.quietTimer = setTimeout(this.probe, PING_AFTER_MS)
  }

  /** A radio that was switched off leaves a socket that looks open for minutes. */
  private readonly probe = (): void => {
    if (!this.send({ code: 'ping', data: {} })) return
    clearTimeout(this.quietTimer)
    this.quietTimer = setTimeout(() => {
      this.detach()?.close()
      this.ended(1006, '')
    }, PONG_WITHIN_MS)
  }

  private readonly whenVisible = (): void => {
    if (document.hidden) return
    this.retryNow()
    this.probe()
  }
}
