/** The wire: WebSocket envelopes and the JSON of the HTTP API. `docs/reference/protocol.md` is the reference. */

export type Presence = 'online' | 'away' | 'busy' | 'offline'
export type MemberKind = 'human' | 'assistant'
export type RoomKind = 'open' | 'team' | 'private' | 'direct'
export type AnswerState = 'done' | 'stopped' | 'interrupted' | 'failed'

export type Rating = 'up' | 'down'
/** What can be done to a message that was said. */
export type ChangeCode = 'edit' | 'delete' | 'reaction' | 'feedback'

/** What a client sends. */
export interface Outgoing {
  code:
    | 'join'
    | 'leave'
    | 'chat'
    | ChangeCode
    | 'typing'
    | 'read_receipt'
    | 'presence'
    | 'historic'
    | 'stop'
    | 'regenerate'
    | 'ping'
  user_id: string
  room_id?: string
  request_id?: string
  data: Record<string, unknown>
}

/** What the server sends; `data` is read by the interface that belongs to `code`. */
export interface Incoming {
  status: 'success' | 'error' | 'pending'
  code: string
  user_id?: string
  room_id?: string
  timestamp: string
  request_id?: string
  data: Record<string, unknown>
}

export interface MemberData {
  id: string
  name: string
  kind: MemberKind
  presence: Presence
  read_seq?: number
}

/** The answer to one's own `join`. */
export interface JoinData {
  kind: RoomKind
  member_count: number
  members: MemberData[]
  generation: string
  last_seq: number
  read_seq: number
  unread: number
  continuous?: boolean
  gap?: boolean
  reason?: 'rewound' | 'trimmed' | 'too_many'
}

/** What others hear of a new member. */
export interface NewMemberData {
  member: MemberData
  member_count: number
}

/** A tool that an assistant used. */
export interface ToolCallData {
  name: string
  /** JSON, perhaps cut. */
  arguments: string
  result?: string
  state: 'running' | 'done' | 'failed' | 'refused'
  /** Whether it changes something outside the room. */
  acting?: boolean
}

export interface FileNoteData {
  file_id: string
  name: string
  /** Why it was not read, or not to its end. */
  reason?: string
}

/** What an assistant was given for its answer; seqs of this room, both included. */
export interface AnswerContextData {
  from_seq?: number
  to_seq?: number
  files_read?: FileNoteData[]
  files_skipped?: FileNoteData[]
  cut?: boolean
}

/** What only the server may say about an assistant's message. */
/** An action that an assistant asked approval for, and what became of the asking. */
export interface DecidedData {
  action: string
  /** JSON; long ones are cut. */
  arguments: string
  decision: 'approved' | 'denied' | 'expired'
  decided_by?: string
}

export interface AnswerData {
  run_id?: string
  model?: string
  state: AnswerState
  stopped_by?: string
  /** The answer in whose place a member asked for this one. */
  regenerates?: string
  /** Of a failure, for the operator's log. */
  reference?: string
  context?: AnswerContextData
  tools?: ToolCallData[]
  /** What it asked approval for, those of its tools included. */
  approvals?: DecidedData[]
  usage?: Record<string, number>
  /** The model's server did not count all of it. */
  usage_estimated?: boolean
}

/** A request of a kind that an assistant owns, with the fields of that kind; or a command, such as `/summary`. */
export interface RequestData {
  code: string
  /** Whom it is for. */
  assistant?: string
  [field: string]: unknown
}

export interface ChatData {
  message: string
  sender: string
  message_id: string
  seq: number
  accepted_at?: string
  attached_files?: string[]
  reply_to?: string
  mentions?: string[]
  assistant?: AnswerData
  request?: RequestData
  edited_at?: string
  /** By emoji, the ids of who gave it. */
  reactions?: Record<string, string[]>
  deleted?: boolean
}

/** A message as a page of history holds it; of a deleted one only its id and its place. */
export interface HistoricMessage extends ChatData {
  timestamp?: string
}

export interface EditData {
  message_id: string
  message: string
  edited_at: string
  /** Said again after the message was deleted. */
  deleted?: boolean
}

export interface DeleteData {
  message_id: string
  /** Who deleted it. */
  sender: string
  seq: number
  message_seq: number
}

export interface ReactionData {
  message_id: string
  emoji: string
  action: 'add' | 'remove'
  sender: string
}

export interface FeedbackData {
  message_id: string
  rating: Rating
}

export interface HistoricData {
  messages: HistoricMessage[]
  has_more: boolean
  /** Of this page; `null` when it is empty. */
  first_seq: number | null
  last_seq: number | null
  generation: string
}

/** One piece of an answer: index 0 starts its text anew, any other is appended. */
export interface PieceData {
  message: string
  sender: string
  message_id: string
  run_id: string
  index: number
  reply_to?: string
}

export interface TypingData {
  status: 'started' | 'stopped'
  sender: string
  /** Said of an assistant only. */
  message_id?: string
  run_id?: string
}

/** A question that an assistant has not begun to answer; place 1 is the next. */
export interface WaitingData {
  message_id: string
  sender: string
  place: number
}

/** An action that an assistant may take once, if a person says so. */
export interface ApprovalData {
  approval_id: string
  action: string
  /** JSON: what the approval is bound to. */
  arguments: string
  /** For whom it would be done. */
  asker: string
  expires_at: string
  decision?: 'approved' | 'denied' | 'expired'
  decided_by?: string
}

/** What an assistant is doing; not kept, and repeated while it holds. */
export interface NotificationData {
  code: 'ASSISTANT_STATUS' | 'ASSISTANT_QUEUE' | 'APPROVAL_ASKED' | 'APPROVAL_DECIDED'
  message: string
  /** The assistant. */
  sender: string
  /** Of the answer that is being written. */
  message_id?: string
  reply_to?: string
  tools?: ToolCallData[]
  waiting?: WaitingData[]
  approval?: ApprovalData
}

export interface ErrorData {
  code: string
  message: string
  request_code?: string
  field?: string
  message_id?: string
  /** Seconds. */
  retry_after?: number
}

export interface GenerationData {
  code: 'GENERATION_CHANGED' | 'GAP'
  generation: string
  last_seq: number
  continuous?: boolean
}

export interface Session {
  mode: 'open' | 'token'
  user_id: string | null
  name: string | null
}

export interface Invitation {
  name: string
  expires_at: string
}

export interface RoomSummary {
  room_id: string
  kind: RoomKind
  creator: string
  last_seq: number
  read_seq: number
  unread: number
  member_count: number
  stoppers: Stoppers
}

/** Who may stop an assistant's answer in a room, or ask for another: any member, or only who asked it. */
export type Stoppers = 'members' | 'asker'

/** An assistant that a worker has loaded. */
export interface AssistantProfile {
  id: string
  name: string
  description: string
  /** Why it can not be used at the moment. */
  broken?: string | null
}

/** How an assistant listens in a room. */
export type Listens = 'mentions' | 'all' | 'off'

/** What an assistant does at a word: `/name`. */
export interface CommandData {
  name: string
  description: string
}

export interface RoomAssistant extends AssistantProfile {
  listens: Listens
  commands?: CommandData[]
}

export interface FileData {
  id: string
  name: string
  /** Bytes. */
  size: number
  mime_type: string
}

/** Reads an incoming text frame; `null` for anything that is not an envelope. */
export function parseEnvelope(text: string): Incoming | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  const { code, status, data } = value as Partial<Incoming>
  const isEnvelope =
    typeof code === 'string' && typeof status === 'string' && typeof data === 'object' && data !== null
  return isEnvelope ? (value as Incoming) : null
}

/** The server's error, `null` where the envelope is none. */
export function errorOf(envelope: Incoming): ErrorData | null {
  return envelope.status === 'error' ? (envelope.data as unknown as ErrorData) : null
}
