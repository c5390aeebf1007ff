/** The HTTP side of the server: session, rooms, members, files. */

import type {
  ApprovalData,
  AssistantProfile,
  FileData,
  Invitation,
  Listens,
  MemberData,
  RoomAssistant,
  RoomKind,
  RoomSummary,
  Session,
  Stoppers,
} from './protocol'

/** An approval as it is listed. */
export interface OpenApproval extends ApprovalData {
  assistant: string
  /** Of the answer that waits for it. */
  message_id: string
}

/** An answer other than 2xx; `code` is the protocol's, `status` is HTTP's (0: nothing was reached). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message)
  }
}

export class Api {
  /** Whom an open server takes this page for; `null` where a cookie says it. */
  constructor(private readonly openUserId: string | null = null) {}

  session(): Promise<Session> {
    return this.json('GET', '/api/session')
  }

  invitation(code: string): Promise<Invitation> {
    return this.json('GET', `/api/invites/${encodeURIComponent(code)}`)
  }

  acceptInvitation(code: string): Promise<Session> {
    return this.json('POST', `/api/invites/${encodeURIComponent(code)}`)
  }

  /** A cookie says from then on who the reader is; the token in the answer is for programs. */
  async logIn(email: string, password: string): Promise<void> {
    await this.fetch('POST', '/auth/login', { email, password })
  }

  async signOut(): Promise<void> {
    await this.fetch('POST', '/auth/logout')
  }

  async rooms(): Promise<RoomSummary[]> {
    return (await this.json<{ rooms: RoomSummary[] }>('GET', '/api/rooms')).rooms
  }

  /** Only those who are added can enter a private room; whoever makes it is a member. */
  async createRoom(roomId: string, kind: RoomKind): Promise<void> {
    await this.fetch('POST', '/api/rooms', { room_id: roomId, kind })
  }

  /** Who may stop answers in a room; only its creator may say so. */
  async letStop(roomId: string, stoppers: Stoppers): Promise<void> {
    await this.fetch('PATCH', roomAddress(roomId), { stoppers })
  }

  members(roomId: string): Promise<{ members: MemberData[]; member_count: number }> {
    return this.json('GET', `${roomAddress(roomId)}/members`)
  }

  async addMember(roomId: string, userId: string): Promise<void> {
    await this.fetch('PUT', `${roomAddress(roomId)}/members/${encodeURIComponent(userId)}`)
  }

  async roomAssistants(roomId: string): Promise<RoomAssistant[]> {
    const address = `${roomAddress(roomId)}/assistants`
    return (await this.json<{ assistants: RoomAssistant[] }>('GET', address)).assistants
  }

  /** Adds it to the room, or changes how it listens there. */
  async putAssistant(roomId: string, id: string, listens: Listens): Promise<void> {
    await this.fetch('PUT', `${roomAddress(roomId)}/assistants/${encodeURIComponent(id)}`, { listens })
  }

  async removeAssistant(roomId: string, id: string): Promise<void> {
    await this.fetch('DELETE', `${roomAddress(roomId)}/assistants/${encodeURIComponent(id)}`)
  }

  /** Those that nobody has decided on, and when the server said so, by its clock (ms since the epoch). */
  async approvals(roomId: string): Promise<{ open: OpenApproval[]; toldAt: number }> {
    const response = await this.fetch('GET', `${roomAddress(roomId)}/approvals`)
    const { approvals } = (await response.json()) as { approvals: OpenApproval[] }
    return { open: approvals, toldAt: Date.parse(response.headers.get('Date') ?? '') || Date.now() }
  }

  async decide(roomId: string, approvalId: string, decision: 'approve' | 'deny'): Promise<void> {
    await this.fetch('POST', `${roomAddress(roomId)}/approvals/${encodeURIComponent(approvalId)}`, {
      decision,
    })
  }

  async assistants(): Promise<AssistantProfile[]> {
    return (await this.json<{ assistants: AssistantProfile[] }>('GET', '/api/assistants')).assistants
  }

  file(id: string): Promise<FileData> {
    return this.json('GET', `/files/${encodeURIComponent(id)}`)
  }

  async fileContent(id: string): Promise<Blob> {
    return (await this.fetch('GET', `/files/${encodeURIComponent(id)}/download`)).blob()
  }

  headers(): Record<string, string> {
    return this.openUserId ? { 'X-User-Id': this.openUserId } : {}
  }

  private async json<T>(method: string, path: string): Promise<T> {
    return (await this.fetch(method, path)).json() as Promise<T>
  }

  private async fetch(method: string, path: string, body?: object): Promise<Response> {
    let response: Response
    try {
      const headers = body ? { ...this.headers(), 'Content-Type': 'application/json' } : this.headers()
      response = await fetch(path, { method, headers, body: body ? JSON.stringify(body) : null })
    } catch {
      throw new ApiError(0, 'UNREACHABLE', 'The server can not be reached.')
    }
    if (response.ok) return response
    throw errorFrom(response.status, await response.text())
  }
}

function roomAddress(roomId: string): string {
  return `/api/rooms/${encodeURIComponent(roomId)}`
}

/** The error in the body of an answer, or a plain one where the body holds none (a proxy's page, say). */
export function errorFrom(status: number, body: string): ApiError {
  try {
    const { error } = JSON.parse(body) as { error: { code: string; message: string } }
    return new ApiError(status, error.code, error.message)
  } catch {
    return new ApiError(status, 'HTTP_ERROR', `The server answered ${status}.`)
  }
}
