import { createContext } from 'preact'
import { useContext } from 'preact/hooks'

import type { Chat } from '../chat'
import type { Drafts } from '../drafts'
import type { Files } from '../files'
import type { Uploads } from '../uploads'

/** What the components of a signed-in page share. */
export interface Desk {
  chat: Chat
  files: Files
  drafts: Drafts
  /** What is attached to the next message of a room, also while another room is open. */
  uploads(roomId: string): Uploads
  signOut(): void
}

export const DeskContext = createContext<Desk | null>(null)

export function useDesk(): Desk {
  const desk = useContext(DeskContext)
  if (!desk) throw new Error('Used outside a signed-in page')
  return desk
}
