/** Who the reader is. An open server believes the page; a server with tokens says it in the session. */

import { userIdFromName } from './ids'

export interface Identity {
  userId: string
  name: string
  mode: 'open' | 'token'
}

const KEY = 'productflo.identity'

/** The name that was chosen on this device for an open server. */
export function rememberedIdentity(storage: Storage): Identity | null {
  try {
    const { userId, name } = JSON.parse(storage.getItem(KEY) ?? '{}') as Partial<Identity>
    return userId && name ? { userId, name, mode: 'open' } : null
  } catch {
    return null // Another version of the page wrote it.
  }
}

/** Takes a name for an open server and keeps it; `null` where it holds nothing an id can be made of. */
export function chooseName(storage: Storage, typed: string): Identity | null {
  const name = typed.trim()
  const userId = userIdFromName(name)
  if (!userId) return null
  const identity: Identity = { userId, name, mode: 'open' }
  storage.setItem(KEY, JSON.stringify(identity))
  return identity
}

export function forgetIdentity(storage: Storage): void {
  storage.removeItem(KEY)
}
