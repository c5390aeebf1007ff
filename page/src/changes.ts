/**
 * What the reader does to messages: edits, deletions, reactions, ratings. A change keeps its operation id until the
 * server has answered it, so that sending it again after a lost connection does nothing twice.
 */

import { newOperationId } from './ids'
import type { ChangeCode, Incoming } from './protocol'

export interface Change {
  /** The envelope's `request_id`. */
  id: string
  roomId: string
  code: ChangeCode
  data: { message_id: string; [field: string]: unknown }
}

export class Changes {
  private pending: readonly Change[] = []

  constructor(private readonly transmit: (change: Change) => boolean) {}

  make(roomId: string, code: ChangeCode, data: Change['data']): void {
    const change = { id: newOperationId(), roomId, code, data }
    this.pending = [...this.pending, change]
    this.transmit(change)
  }

  /** A room was entered anew: what was on its way may or may not have arrived. */
  flush(roomId: string): void {
    for (const change of this.pending) if (change.roomId === roomId && !this.transmit(change)) return
  }

  /** The reader's own change came back as an event of the room. */
  happened(roomId: string, { code, data }: Incoming): void {
    const isIt = (change: Change) =>
      change.roomId === roomId &&
      change.code === code &&
      Object.entries(change.data).every(([field, value]) => data[field] === value)
    const done = this.pending.find(isIt)
    this.pending = this.pending.filter(change => change !== done)
  }

  /** The server will not do it; answers whether it was one of these. */
  refused(id: string): boolean {
    const before = this.pending.length
    this.pending = this.pending.filter(change => change.id !== id)
    return this.pending.length < before
  }

  /** To be sent again after a delay that the server asked for. */
  retry(id: string, delayMs: number): void {
    setTimeout(() => {
      const change = this.pending.find(each => each.id === id)
      if (change) this.transmit(change)
    }, delayMs)
  }

  has(id: string): boolean {
    return this.pending.some(change => change.id === id)
  }
}
