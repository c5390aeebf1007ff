/** How the reader comes in: by a name, by an invitation, with an account, or not at all. */

import { Api, ApiError } from './api'
import { type Identity, rememberedIdentity } from './identity'
import type { Invitation, Session } from './protocol'

export type Entrance =
  | { kind: 'looking' }
  | { kind: 'choose-name' }
  | { kind: 'invited'; code: string; invitation: Invitation }
  | { kind: 'not-invited'; why: 'none' | 'used' | 'expired' }
  | { kind: 'unreachable'; why: string }
  | { kind: 'in'; identity: Identity; api: Api }

/** Finds out whether the reader is known already; `inviteCode` is the one in the address, if any. */
export async function findEntrance(inviteCode: string | null): Promise<Entrance> {
  const remembered = rememberedIdentity(localStorage)
  const api = new Api(remembered?.userId ?? null)
  try {
    const session = await api.session()
    if (session.mode === 'open')
      return remembered ? { kind: 'in', identity: remembered, api } : { kind: 'choose-name' }
    if (inviteCode) return await lookAtInvitation(inviteCode)
    return entered(session) ?? { kind: 'not-invited', why: 'none' }
  } catch (error) {
    return unreachable(error)
  }
}

/** Uses the invitation up: from now on a cookie says who the reader is. */
export async function accept(code: string): Promise<Entrance> {
  try {
    return entered(await new Api().acceptInvitation(code)) ?? { kind: 'not-invited', why: 'none' }
  } catch (error) {
    return refused(error) ?? unreachable(error)
  }
}

/** Comes in with an account. Throws `ApiError`, which says what is wrong. */
export async function signIn(email: string, password: string): Promise<Entrance> {
  const api = new Api()
  await api.logIn(email, password)
  return entered(await api.session()) ?? { kind: 'not-invited', why: 'none' }
}

async function lookAtInvitation(code: string): Promise<Entrance> {
  try {
    return { kind: 'invited', code, invitation: await new Api().invitation(code) }
  } catch (error) {
    return refused(error) ?? unreachable(error)
  }
}

function entered(session: Session): Entrance | null {
  if (!session.user_id) return null
  const identity: Identity = { userId: session.user_id, name: session.name ?? session.user_id, mode: 'token' }
  return { kind: 'in', identity, api: new Api() }
}

/** An invitation that is unknown, used up or too old. */
function refused(error: unknown): Entrance | null {
  return error instanceof ApiError && error.status >= 400 && error.status < 500
    ? { kind: 'not-invited', why: 'used' }
    : null
}

function unreachable(error: unknown): Entrance {
  return { kind: 'unreachable', why: error instanceof Error ? error.message : String(error) }
}
