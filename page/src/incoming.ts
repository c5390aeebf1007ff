/** What each envelope of the server does to the page. */

import { withoutStopping } from './answers'
import { approvalFrom } from './approvals'
import type { Changes } from './changes'
import { messageFrom } from './history'
import type { Outbox } from './outbox'
import {
  type ChatData,
  type DeleteData,
  type EditData,
  type ErrorData,
  errorOf,
  type FeedbackData,
  type GenerationData,
  type Incoming,
  type NewMemberData,
  type NotificationData,
  type PieceData,
  type Presence,
  type ReactionData,
  type TypingData,
} from './protocol'
import {
  advanced,
  approvalSaid,
  deleted,
  doingSaid,
  edited,
  memberCame,
  memberLeft,
  pieceSaid,
  presenceSaid,
  queueSaid,
  rated,
  reacted,
  read,
  said,
  typed,
} from './room'
import type { Rooms } from './rooms'

export interface Scene {
  me: string
  rooms: Rooms
  outbox: Outbox
  changes: Changes
  /** Whether the reader has the end of the room in view at this moment. */
  isReading(roomId: string): boolean
  /** Whether a full window of messages should let its oldest go. */
  keepsNewest(roomId: string): boolean
  /** Events of the room will not come, or what is known of it counts no more. */
  lostTrack(roomId: string): void
  /** The reader left, or was removed, here or on another device. */
  removed(roomId: string): void
}

type Handler = (scene: Scene, roomId: string, envelope: Incoming) => void

/** Answers to requests of whatever kind are messages like any other: `chat_response`, `idea_response`, ... */
const MESSAGE_CODE = /_response$/

function messageSaid(scene: Scene, roomId: string, envelope: Incoming): void {
  const { message: text, message_id: id } = envelope.data
  if (typeof text !== 'string' || typeof id !== 'string') return
  if (envelope.status === 'pending') {
    scene.rooms.update(roomId, room => pieceSaid(room, envelope.data as unknown as PieceData))
    return
  }
  const message = messageFrom(envelope.data as unknown as ChatData, envelope.timestamp)
  scene.outbox.confirmed(message.id)
  const reading = scene.isReading(roomId)
  const keepNewest = scene.keepsNewest(roomId)
  scene.rooms.update(roomId, room => said(room, message, scene.me, reading, keepNewest))
}

const HANDLERS: Record<string, Handler> = {
  notification: (scene, roomId, envelope) => {
    const data = envelope.data as unknown as NotificationData
    if (data.code === 'ASSISTANT_STATUS') scene.rooms.update(roomId, room => doingSaid(room, data))
    else if (data.code === 'ASSISTANT_QUEUE') scene.rooms.update(roomId, room => queueSaid(room, data))
    else if (data.approval) {
      const toldAt = Date.parse(envelope.timestamp)
      const { approval, sender, message_id: answerId = null } = data
      const told = approvalFrom(approval, sender, answerId, toldAt, Date.now())
      scene.rooms.update(roomId, room => approvalSaid(room, told))
    }
  },
  edit: (scene, roomId, envelope) => {
    scene.rooms.update(roomId, room => edited(room, envelope.data as unknown as EditData))
  },
  delete: (scene, roomId, envelope) => {
    scene.rooms.update(roomId, room => deleted(room, envelope.data as unknown as DeleteData, scene.me))
  },
  reaction: (scene, roomId, envelope) => {
    scene.rooms.update(roomId, room => reacted(room, envelope.data as unknown as ReactionData))
  },
  feedback: (scene, roomId, envelope) => {
    scene.rooms.update(roomId, room => rated(room, envelope.data as unknown as FeedbackData))
  },
  typing: (scene, roomId, envelope) => {
    const data = envelope.data as unknown as TypingData
    if (data.sender !== scene.me) scene.rooms.update(roomId, room => typed(room, data))
  },
  presence: (scene, roomId, envelope) => {
    const { sender, status } = envelope.data as { sender?: string; status?: Presence }
    if (!sender || !status) return // A big room tells how many are there, not who.
    if (roomId) scene.rooms.update(roomId, room => presenceSaid(room, sender, status))
    else scene.rooms.updateAll(room => presenceSaid(room, sender, status))
  },
  read_receipt: (scene, roomId, envelope) => {
    const { sender, read_seq: readSeq } = envelope.data as { sender: string; read_seq: number }
    scene.rooms.update(roomId, room => read(room, sender, readSeq, scene.me))
  },
  join: (scene, roomId, envelope) => {
    const data = envelope.data as unknown as NewMemberData
    if (data.member) scene.rooms.update(roomId, room => memberCame(room, data))
  },
  leave: (scene, roomId, envelope) => {
    const userId = envelope.user_id ?? ''
    if (userId === scene.me) scene.removed(roomId)
    else {
      const { member_count: count } = envelope.data as { member_count?: number }
      scene.rooms.update(roomId, room => memberLeft(room, userId, count ?? room.memberCount - 1))
    }
  },
  system: (scene, roomId, envelope) => {
    if (envelope.status === 'pending') {
      unconfirmed(scene, envelope)
      return
    }
    const data = envelope.data as unknown as GenerationData
    if (!roomId || !data.generation) return
    if (data.continuous) scene.rooms.update(roomId, room => ({ ...room, generation: data.generation }))
    else scene.lostTrack(roomId)
  },
}

/** These leave nothing to retry: the same message would be refused again. */
const WORTH_RETRYING = new Set(['RATE_LIMITED', 'STORE_AWAY'])
const DEFAULT_RETRY_AFTER_S = 2

/** Where the server gave up asking the store, only sending again tells; else its word is still to come. */
function unconfirmed(scene: Scene, { request_id: operation = '', data }: Incoming): void {
  const { message_id: messageId, retry_after: retryAfter } = data as unknown as ErrorData
  if (retryAfter === undefined) return
  if (scene.changes.has(operation)) scene.changes.retry(operation, retryAfter * 1000)
  else if (messageId) scene.outbox.retry(messageId, retryAfter * 1000)
}

function refused(scene: Scene, error: ErrorData, envelope: Incoming): void {
  const { request_id: operation = '', room_id: roomId = '' } = envelope
  const retryAfterMs = (error.retry_after ?? DEFAULT_RETRY_AFTER_S) * 1000
  if (scene.changes.has(operation)) {
    if (WORTH_RETRYING.has(error.code)) scene.changes.retry(operation, retryAfterMs)
    else if (scene.changes.refused(operation)) notDone(scene, roomId, error)
  } else if (error.request_code === 'stop' || error.request_code === 'regenerate') {
    scene.rooms.updateAll(room => ({ ...room, answers: withoutStopping(room.answers) }))
    // What is not there has ended by itself meanwhile.
    const isPointless = error.request_code === 'stop' && error.code === 'NOT_FOUND'
    if (!isPointless) notDone(scene, roomId, error)
  } else if (error.message_id && WORTH_RETRYING.has(error.code)) {
    scene.outbox.retry(error.message_id, retryAfterMs)
  } else if (error.message_id) {
    scene.outbox.failed(error.message_id, error.message)
  }
}

function notDone(scene: Scene, roomId: string, error: ErrorData): void {
  if (scene.rooms.find(roomId))
    scene.rooms.update(roomId, room => ({ ...room, notice: `That was not done. ${error.message}` }))
}

export function receive(scene: Scene, envelope: Incoming): void {
  const error = errorOf(envelope)
  if (error) {
    refused(scene, error, envelope)
    return
  }
  const roomId = envelope.room_id ?? ''
  if (roomId && !scene.rooms.find(roomId)) return // It was left a moment ago.
  const handle = MESSAGE_CODE.test(envelope.code) ? messageSaid : HANDLERS[envelope.code]
  handle?.(scene, roomId, envelope)
  const { seq, sender } = envelope.data as { seq?: unknown; sender?: unknown }
  if (sender === scene.me) scene.changes.happened(roomId, envelope)
  if (typeof seq === 'number' && scene.rooms.find(roomId))
    scene.rooms.update(roomId, room => advanced(room, seq))
}
