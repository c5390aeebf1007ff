/**
 * What the reader said and the server did not confirm yet. An entry keeps its message id for ever, so that sending it
 * again can not double it; it survives a lost connection and a reload of the page.
 */

import { signal } from '@preact/signals'

export interface Unsent {
  id: string
  roomId: string
  text: string
  files: readonly string[]
  replyTo: string | null
  /** ms since the epoch, by this device's clock. */
  at: number
  state: 'waiting' | 'sent' | 'failed'
  /** Why it failed, in words for the reader. */
  why: string | null
}

/** The server confirms within milliseconds; after this long, asking the reader is better than hoping. */
const CONFIRM_WITHIN_MS = 20_000

export class Outbox {
  readonly entries = signal<readonly Unsent[]>([])
  private readonly timers = new Map<string, number>()

  constructor(
    private readonly storage: Storage,
    private readonly key: string,
    private readonly transmit: (entry: Unsent) => boolean,
  ) {
    this.entries.value = restore(storage.getItem(key))
  }

  add(entry: Omit<Unsent, 'state' | 'why'>): void {
    this.keep([...this.entries.peek(), { ...entry, state: 'waiting', why: null }])
  }

  /** Sends what waits in a room, in the order in which it was written. */
  flush(roomId: string): void {
    for (const entry of this.entries.peek()) {
      if (entry.roomId !== roomId || entry.state !== 'waiting') continue
      if (!this.transmit(entry)) return
      this.change(entry.id, { state: 'sent' })
      this.after(CONFIRM_WITHIN_MS, entry.id, () => this.failed(entry.id, 'The server did not confirm it.'))
    }
  }

  /** The message stands in the room's log. Unknown ids are other people's. */
  confirmed(id: string): void {
    if (!this.has(id)) return
    this.cancelTimer(id)
    this.keep(this.entries.peek().filter(entry => entry.id !== id))
  }

  failed(id: string, why: string): void {
    this.cancelTimer(id)
    this.change(id, { state: 'failed', why })
  }

  /** Sends again with the same id, at once or after a delay that the server asked for. */
  retry(id: string, delayMs = 0): void {
    this.cancelTimer(id)
    this.change(id, { state: 'waiting', why: null })
    const entry = this.entries.peek().find(each => each.id === id)
    if (!entry) return
    if (delayMs > 0) this.after(delayMs, id, () => this.flush(entry.roomId))
    else this.flush(entry.roomId)
  }

  discard(id: string): void {
    this.confirmed(id)
  }

  /** Whatever was on its way may or may not have arrived: it is sent again under the same id. */
  connectionLost(): void {
    for (const entry of this.entries.peek()) {
      if (entry.state !== 'sent') continue
      this.cancelTimer(entry.id)
      this.change(entry.id, { state: 'waiting' })
    }
  }

  /** The server refuses what is on its way, and would refuse it again. */
  sentRefused(why: string): void {
    for (const entry of this.entries.peek()) if (entry.state === 'sent') this.failed(entry.id, why)
  }

  has(id: string): boolean {
    return this.entries.peek().some(entry => entry.id === id)
  }

  private change(id: string, change: Partial<Unsent>): void {
    if (!this.has(id)) return
    this.keep(this.entries.peek().map(entry => (entry.id === id ? { ...entry, ...change } : entry)))
  }

  private keep(entries: readonly Unsent[]): void {
    this.entries.value = entries
    this.storage.setItem(this.key, JSON.stringify(entries))
  }

  private after(delayMs: number, id: string, act: () => void): void {
    this.cancelTimer(id)
    this.timers.set(id, setTimeout(act, delayMs))
  }

  private cancelTimer(id: string): void {
    clearTimeout(this.timers.get(id))
    this.timers.delete(id)
  }
}

function restore(text: string | null): readonly Unsent[] {
  try {
    const entries = JSON.parse(text ?? '[]') as Unsent[]
    return entries.map(entry => (entry.state === 'sent' ? { ...entry, state: 'waiting' } : entry))
  } catch {
    return [] // Another version of the page wrote it.
  }
}
