/** The reader's chat: joins the connection, the rooms and the outbox, and carries out what the reader does. */

import { batch, computed, effect, signal } from '@preact/signals'

import { withStopping } from './answers'
import type { Api } from './api'
import { approvalFrom } from './approvals'
import { Assistants } from './assistants'
import { Changes } from './changes'
import { Connection, RequestError } from './connection'
import type { Identity } from './identity'
import { newMessageId } from './ids'
import { receive, type Scene } from './incoming'
import { Outbox, type Unsent } from './outbox'
import { Pager } from './pager'
import type { Incoming, JoinData, Presence, Stoppers } from './protocol'
import {
  approvalsListed,
  disconnected,
  joined,
  listed,
  membersLoaded,
  opened,
  read,
  type Room,
} from './room'
import { Rooms } from './rooms'
import { navigate } from './router'
import { TypingNotice } from './typing'

const AGAIN_AFTER_MS = 2_000

/** Why the window of messages was loaded again, in the reader's words. */
const GAP_NOTICES: Record<string, string> = {
  rewound: 'The server was restored from an earlier state. The messages below are what it has now.',
  trimmed: 'Some older messages are no longer kept. The newest were loaded again.',
  too_many: 'A lot was said while you were away. The newest messages were loaded again.',
}

export class Chat implements Scene {
  readonly me: string
  readonly rooms = new Rooms()
  readonly connection: Connection
  readonly outbox: Outbox
  readonly changes: Changes
  readonly pager: Pager
  readonly typing: TypingNotice
  readonly assistants: Assistants
  /** The room that is shown. */
  readonly openRoom = signal<string | null>(null)
  /** Whether the end of the open room is in view. */
  readonly atEnd = signal(false)
  /** What the reader said of themselves in this page; otherwise being connected says it. */
  readonly presence = signal<Presence | null>(null)
  /** False until the list of rooms came for the first time. */
  readonly listLoaded = signal(false)
  private readonly attentive = signal(isAttentive())
  private readonly joining = new Set<string>()
  /** The open room, once its events come, with its assistants: `[id, assistant, ...]` in one text. */
  private readonly company = computed(() => {
    const roomId = this.openRoom.value
    const room = roomId === null ? undefined : this.rooms.find(roomId)?.value
    if (!room?.subscribed) return null
    const assistants = [...room.members.values()].filter(member => member.kind === 'assistant')
    return [room.id, ...assistants.map(member => member.id).toSorted()].join(' ')
  })
  private readonly ends: (() => void)[] = []

  constructor(
    readonly identity: Identity,
    readonly api: Api,
  ) {
    this.me = identity.userId
    this.connection = new Connection(socketUrl(identity), this.me, {
      opened: () => void this.resume(),
      received: envelopes => {
        batch(() => {
          for (const envelope of envelopes) receive(this, envelope)
        })
      },
      closed: code => this.lost(code),
    })
    this.pager = new Pager(this.connection, this.rooms)
    this.outbox = new Outbox(sessionStorage, `productflo.outbox.${this.me}`, entry => this.transmit(entry))
    this.changes = new Changes(({ id, roomId, code, data }) =>
      this.connection.send({ code, room_id: roomId, request_id: id, data }),
    )
    this.assistants = new Assistants(api)
    this.typing = new TypingNotice((roomId, status) => {
      this.connection.send({ code: 'typing', room_id: roomId, data: { status, sender: this.me } })
    })
  }

  start(): void {
    for (const event of ['focus', 'blur', 'visibilitychange']) addEventListener(event, this.lookAgain, true)
    this.ends.push(effect(() => this.markRead()))
    this.ends.push(effect(() => void this.lookAround(this.company.value)))
    this.connection.start()
  }

  stop(): void {
    for (const event of ['focus', 'blur', 'visibilitychange'])
      removeEventListener(event, this.lookAgain, true)
    for (const end of this.ends) end()
    this.connection.stop()
  }

  /** Shows a room, entering it where the reader is not a member yet. */
  async open(roomId: string): Promise<void> {
    this.typing.stopped()
    batch(() => {
      this.atEnd.value = false // Until the page has drawn it and says otherwise.
      this.openRoom.value = roomId
      this.rooms.update(roomId, opened)
    })
    await this.enter(roomId)
    await this.showPresent(roomId)
  }

  /** Shows no room. */
  close(): void {
    this.typing.stopped()
    this.openRoom.value = null
  }

  /** The newest messages, wherever the window was. */
  async showPresent(roomId: string): Promise<void> {
    const { subscribed, history } = this.rooms.get(roomId).peek()
    if (subscribed && (!history.loaded || history.hasNewer)) await this.pager.latest(roomId)
  }

  say(roomId: string, text: string, files: readonly string[], replyTo: string | null): void {
    this.typing.sent()
    this.outbox.add({ id: newMessageId(), roomId, text, files, replyTo, at: Date.now() })
    if (this.rooms.get(roomId).peek().subscribed) this.outbox.flush(roomId)
  }

  /** Asks for a running answer to end; it ends when the server says so. */
  stopAnswer(roomId: string, messageId: string): void {
    const isAsked = this.connection.send({ code: 'stop', room_id: roomId, data: { message_id: messageId } })
    if (isAsked)
      this.rooms.update(roomId, room => ({ ...room, answers: withStopping(room.answers, messageId) }))
  }

  /** Takes a question back that waits for an assistant. */
  withdraw(roomId: string, messageId: string): void {
    this.connection.send({ code: 'stop', room_id: roomId, data: { message_id: messageId } })
  }

  /** Asks for another answer to the same question. */
  regenerate(roomId: string, messageId: string): void {
    this.connection.send({ code: 'regenerate', room_id: roomId, data: { message_id: messageId } })
  }

  setPresence(presence: Presence): void {
    this.presence.value = presence
    this.connection.send({ code: 'presence', data: { status: presence, sender: this.me } })
  }

  leave(roomId: string): void {
    this.connection.send({ code: 'leave', room_id: roomId, data: {} })
    this.removed(roomId)
  }

  dismissNotice(roomId: string): void {
    this.rooms.update(roomId, room => ({ ...room, notice: null }))
  }

  /** The members that a join does not tell of in a big room. */
  async loadMembers(roomId: string): Promise<void> {
    const { members, memberCount } = this.rooms.get(roomId).peek()
    if (members.size >= memberCount) return
    const all = await this.api.members(roomId)
    this.rooms.update(roomId, room => membersLoaded(room, all.members, all.member_count))
  }

  /** Who made a room and who may stop answers there, as it is now. Rejects with `ApiError`. */
  async loadSettings(roomId: string): Promise<void> {
    const summary = (await this.api.rooms()).find(each => each.room_id === roomId)
    if (summary) this.rooms.update(roomId, room => listed(room, summary))
  }

  /** Says who may stop answers in a room. Rejects with `ApiError`. */
  async letStop(roomId: string, stoppers: Stoppers): Promise<void> {
    await this.api.letStop(roomId, stoppers)
    this.rooms.update(roomId, room => ({ ...room, stoppers }))
  }

  isReading(roomId: string): boolean {
    return this.openRoom.peek() === roomId && this.atEnd.peek() && this.attentive.peek()
  }

  keepsNewest(roomId: string): boolean {
    return this.openRoom.peek() !== roomId || this.atEnd.peek()
  }

  /** Join again from where the room was: the answer says what has become of that, and the history is loaded. */
  lostTrack(roomId: string): void {
    this.rooms.update(roomId, disconnected)
    void this.enter(roomId)
  }

  removed(roomId: string): void {
    if (this.openRoom.peek() === roomId) navigate('/', 'replace')
    this.rooms.remove(roomId)
  }

  /** After every (re)connection: who I am, which rooms are mine, and each of them from where it was. */
  private async resume(): Promise<void> {
    const presence = this.presence.peek()
    if (presence) this.setPresence(presence)
    else this.connection.send({ code: 'ping', data: {} }) // An open server knows nobody before the first word.
    const open = this.openRoom.peek()
    if (open) void this.enter(open)
    await this.loadRooms()
    for (const roomId of this.rooms.ids()) if (roomId !== open) void this.enter(roomId)
  }

  /** Keeps to the rooms that are known already where the server can not say it at the moment. */
  private async loadRooms(): Promise<void> {
    try {
      const summaries = await this.api.rooms()
      batch(() => {
        for (const summary of summaries) this.rooms.update(summary.room_id, room => listed(room, summary))
        this.listLoaded.value = true
      })
    } catch (error) {
      console.warn('The list of rooms:', error)
      setTimeout(() => this.isOpen() && void this.resume(), AGAIN_AFTER_MS)
    }
  }

  private isOpen(): boolean {
    return this.connection.link.peek().state === 'open'
  }

  private async enter(roomId: string): Promise<void> {
    const room = this.rooms.get(roomId).peek()
    if (room.subscribed || this.joining.has(roomId) || !this.isOpen()) return
    this.joining.add(roomId)
    const position = room.generation === null ? {} : { since: room.lastSeq, generation: room.generation }
    try {
      const answer = await this.connection.request({
        code: 'join',
        room_id: roomId,
        data: { stream: true, ...position },
      })
      this.entered(roomId, answer)
    } catch (error) {
      this.notEntered(roomId, error)
    } finally {
      this.joining.delete(roomId)
    }
  }

  private entered(roomId: string, answer: Incoming): void {
    const data = answer.data as unknown as JoinData
    const wasLoaded = this.rooms.get(roomId).peek().history.loaded
    this.rooms.update(roomId, room => joined(room, data))
    this.pager.forgetFailure(roomId)
    this.outbox.flush(roomId)
    this.changes.flush(roomId)
    if (wasLoaded && data.gap) void this.reload(roomId, data.reason ?? 'too_many')
    else if (!wasLoaded && this.openRoom.peek() === roomId) void this.showPresent(roomId)
  }

  private notEntered(roomId: string, error: unknown): void {
    if (!(error instanceof RequestError)) return // The connection ended; the next one asks again.
    const { code, message, retry_after: retryAfter } = error.detail
    if (code === 'STORE_AWAY' || code === 'RATE_LIMITED') {
      setTimeout(() => void this.enter(roomId), retryAfter ? retryAfter * 1000 : AGAIN_AFTER_MS)
    } else this.rooms.update(roomId, room => ({ ...room, denied: message }))
  }

  /** What the room's assistants are, and what they wait for; a try that fails is made again with the next join. */
  private async lookAround(company: string | null): Promise<void> {
    const roomId = company?.split(' ')[0]
    if (!roomId) return
    try {
      await this.assistants.load(roomId)
      const { open, toldAt } = await this.api.approvals(roomId)
      const approvals = open.map(each =>
        approvalFrom(each, each.assistant, each.message_id, toldAt, Date.now()),
      )
      this.rooms.update(roomId, room => approvalsListed(room, approvals))
    } catch (error) {
      console.warn(`The assistants of ${roomId}:`, error)
    }
  }

  private async reload(roomId: string, reason: string): Promise<void> {
    const notice = GAP_NOTICES[reason] ?? null
    this.rooms.update(roomId, room => ({ ...room, notice }))
    await this.pager.latest(roomId)
  }

  private lost(code: number): void {
    batch(() => {
      if (code === 1009) this.outbox.sentRefused('It is too large for the server.')
      this.outbox.connectionLost()
      this.rooms.updateAll(disconnected)
    })
  }

  private transmit(entry: Unsent): boolean {
    const data: Record<string, unknown> = { message: entry.text, sender: this.me, message_id: entry.id }
    if (entry.files.length > 0) data['attached_files'] = entry.files
    if (entry.replyTo) data['reply_to'] = entry.replyTo
    return this.connection.send({ code: 'chat', room_id: entry.roomId, data })
  }

  /** Runs whenever something that it reads changes: what is in view of an attentive reader is read. */
  private markRead(): void {
    const roomId = this.openRoom.value
    const room = roomId === null ? undefined : this.rooms.find(roomId)?.value
    if (!room || !this.attentive.value || !this.atEnd.value || !isUpToDate(room)) return
    const last = room.history.messages.findLast(message => !message.deleted)
    if (!last || last.seq <= room.readSeq) return
    const isSaid = this.connection.send({
      code: 'read_receipt',
      room_id: room.id,
      data: { message_id: last.id, sender: this.me },
    })
    if (isSaid) this.rooms.update(room.id, each => read(each, this.me, last.seq, this.me))
  }

  private readonly lookAgain = (): void => {
    this.attentive.value = isAttentive()
  }
}

function isUpToDate(room: Room): boolean {
  return room.subscribed && room.history.loaded && !room.history.hasNewer
}

function isAttentive(): boolean {
  return !document.hidden && document.hasFocus()
}

/** An open server believes who we say we are; one with tokens reads the cookie. */
function socketUrl({ mode, userId, name }: Identity): string {
  const said = mode === 'open' ? `?${new URLSearchParams({ user_id: userId, name })}` : ''
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws${said}`
}
