/** Pages of history, asked for as the reader moves. One request at a time for each room. */

import { signal } from '@preact/signals'

import type { Connection } from './connection'
import { PAGE } from './history'
import type { HistoricData } from './protocol'
import { latestLoaded, newerLoaded, olderLoaded, pastLoaded, type Room } from './room'
import type { Rooms } from './rooms'

/** How far back a link to a message is followed; farther back, the reader is told. */
const SEARCHED_PAGES = 25
const SEARCHED_PAGE = 200

/** After `failed`, nothing is asked for until the reader or a new connection does. */
export type Loading = 'latest' | 'older' | 'newer' | 'search' | 'failed'

export class Pager {
  /** What is under way in a room, to its end; never rejects. */
  private readonly work = new Map<string, Promise<boolean>>()
  private readonly states = signal<ReadonlyMap<string, Loading>>(new Map())

  constructor(
    private readonly connection: Connection,
    private readonly rooms: Rooms,
  ) {}

  /** What is being loaded in a room. */
  loading(roomId: string): Loading | undefined {
    return this.states.value.get(roomId)
  }

  /** The newest page, in place of what the window held. */
  async latest(roomId: string): Promise<boolean> {
    await this.idle(roomId)
    return this.load(roomId, 'latest', async () => {
      const page = await this.page(roomId, { limit: PAGE })
      this.rooms.update(roomId, room => latestLoaded(room, page))
    })
  }

  older(roomId: string): Promise<boolean> {
    const { history } = this.room(roomId)
    const first = history.messages[0]
    if (!first || !history.hasOlder) return Promise.resolve(false)
    return this.load(roomId, 'older', async () => {
      const page = await this.page(roomId, { limit: PAGE, before: first.seq })
      this.rooms.update(roomId, room => olderLoaded(room, page))
    })
  }

  newer(roomId: string): Promise<boolean> {
    const { history } = this.room(roomId)
    const last = history.messages.at(-1)
    if (!last || !history.hasNewer) return Promise.resolve(false)
    return this.load(roomId, 'newer', async () => {
      const page = await this.page(roomId, { limit: PAGE, after: last.seq })
      this.rooms.update(roomId, room => newerLoaded(room, page))
    })
  }

  /** Moves the window to a message; answers whether it is now there. */
  async around(roomId: string, messageId: string): Promise<boolean> {
    const isThere = () => this.room(roomId).history.messages.some(message => message.id === messageId)
    await this.idle(roomId)
    if (isThere()) return true
    await this.load(roomId, 'search', async () => {
      let before = this.room(roomId).history.messages[0]?.seq
      for (let searched = 0; searched < SEARCHED_PAGES; searched++) {
        const page = await this.page(roomId, {
          limit: SEARCHED_PAGE,
          ...(before === undefined ? {} : { before }),
        })
        if (page.messages.some(message => message.message_id === messageId)) {
          this.rooms.update(roomId, room => pastLoaded(room, page))
          return
        }
        if (!page.has_more || page.first_seq === null) return
        before = page.first_seq
      }
    })
    return isThere()
  }

  /** Moves the window to the message with this seq; answers its id, `null` where no message has it. */
  async aroundSeq(roomId: string, seq: number): Promise<string | null> {
    const found = () => this.room(roomId).history.messages.find(message => message.seq === seq)?.id ?? null
    await this.idle(roomId)
    if (found()) return found()
    await this.load(roomId, 'search', async () => {
      const page = await this.page(roomId, { limit: PAGE, before: seq + PAGE / 2 })
      if (page.messages.some(message => message.seq === seq))
        this.rooms.update(roomId, room => pastLoaded(room, page))
    })
    return found()
  }

  /** A new connection: what failed may be asked for again. */
  forgetFailure(roomId: string): void {
    if (this.states.peek().get(roomId) === 'failed') this.mark(roomId, undefined)
  }

  private room(roomId: string): Room {
    return this.rooms.get(roomId).peek()
  }

  private async idle(roomId: string): Promise<void> {
    for (let work = this.work.get(roomId); work; work = this.work.get(roomId)) await work
  }

  /** Answers whether the page came: a connection that ends meanwhile is a matter for the next resume. */
  private load(roomId: string, what: Loading, work: () => Promise<void>): Promise<boolean> {
    if (this.work.has(roomId)) return Promise.resolve(false)
    const done = this.run(roomId, what, work)
    this.work.set(roomId, done)
    return done
  }

  private async run(roomId: string, what: Loading, work: () => Promise<void>): Promise<boolean> {
    this.mark(roomId, what)
    try {
      await work()
      this.mark(roomId, undefined)
      return true
    } catch (error) {
      console.warn(`History of ${roomId}:`, error)
      this.mark(roomId, 'failed')
      return false
    } finally {
      this.work.delete(roomId)
    }
  }

  private mark(roomId: string, state: Loading | undefined): void {
    const states = new Map(this.states.peek())
    if (state) states.set(roomId, state)
    else states.delete(roomId)
    this.states.value = states
  }

  private async page(
    roomId: string,
    range: { limit: number; before?: number; after?: number },
  ): Promise<HistoricData> {
    const data = { conversation_id: roomId, ...range }
    const answer = await this.connection.request({ code: 'historic', room_id: roomId, data })
    return answer.data as unknown as HistoricData
  }
}
