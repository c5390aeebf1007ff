/** Tells a room that the reader types: once, renewed while it goes on, and ended when it ends. */

/** The server forgets a typist after 6 s. */
const RENEW_AFTER_MS = 3_000
const IDLE_AFTER_MS = 5_000

export class TypingNotice {
  private roomId: string | null = null
  private saidAt = 0
  private idleTimer = 0

  constructor(private readonly tell: (roomId: string, status: 'started' | 'stopped') => void) {}

  /** A key changed the text of a room's draft. */
  typed(roomId: string): void {
    if (this.roomId !== roomId) this.stopped()
    const now = Date.now()
    if (this.roomId === null || now - this.saidAt > RENEW_AFTER_MS) {
      this.tell(roomId, 'started')
      this.roomId = roomId
      this.saidAt = now
    }
    clearTimeout(this.idleTimer)
    this.idleTimer = setTimeout(() => this.stopped(), IDLE_AFTER_MS)
  }

  /** The draft was emptied or given up. */
  stopped(): void {
    clearTimeout(this.idleTimer)
    if (this.roomId !== null) this.tell(this.roomId, 'stopped')
    this.roomId = null
  }

  /** The draft was sent: the server says to the others that typing ended. */
  sent(): void {
    clearTimeout(this.idleTimer)
    this.roomId = null
  }
}
