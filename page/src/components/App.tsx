import { useSignalEffect } from '@preact/signals'
import { useEffect, useMemo, useState } from 'preact/hooks'

import { Chat } from '../chat'
import { Drafts } from '../drafts'
import { Files } from '../files'
import { forgetIdentity } from '../identity'
import { navigate, route } from '../router'
import { type Entrance, findEntrance } from '../session'
import { showUnreadInTitle } from '../title'
import { Uploads } from '../uploads'
import { type Desk, DeskContext } from './context'
import { Front } from './Front'
import { Workspace } from './Workspace'

export function App() {
  const [entrance, setEntrance] = useState<Entrance>({ kind: 'looking' })
  const look = () => void findEntrance(inviteCode()).then(setEntrance)
  useEffect(look, [])
  if (entrance.kind !== 'in') return <Front entrance={entrance} onEntrance={setEntrance} onRetry={look} />
  return <SignedIn entrance={entrance} onEntrance={setEntrance} />
}

interface SignedInProps {
  entrance: Extract<Entrance, { kind: 'in' }>
  onEntrance(entrance: Entrance): void
}

/** The chat lives as long as the reader is this person. */
function SignedIn({ entrance, onEntrance }: SignedInProps) {
  const { identity, api } = entrance
  const desk = useMemo<Desk>(() => {
    const uploads = new Map<string, Uploads>()
    const uploadsOf = (roomId: string) => {
      const known = uploads.get(roomId) ?? new Uploads(api)
      uploads.set(roomId, known)
      return known
    }
    const signOut = async () => {
      forgetIdentity(localStorage)
      if (identity.mode === 'token') await api.signOut()
      navigate('/', 'replace')
      onEntrance(identity.mode === 'open' ? { kind: 'choose-name' } : { kind: 'not-invited', why: 'none' })
    }
    return {
      chat: new Chat(identity, api),
      files: new Files(api),
      drafts: new Drafts(localStorage),
      uploads: uploadsOf,
      signOut: () => void signOut(),
    }
  }, [identity, api, onEntrance])
  const { chat } = desk

  useEffect(() => {
    chat.start()
    const restoreTitle = showUnreadInTitle(chat)
    return () => {
      chat.stop()
      restoreTitle()
    }
  }, [chat])
  useSignalEffect(() => {
    const place = route.value
    if (place.page === 'room') void chat.open(place.roomId)
    else chat.close()
    if (place.page === 'invitation') navigate('/', 'replace')
  })
  useSignalEffect(() => {
    if (chat.connection.link.value.state === 'signed-out') onEntrance({ kind: 'not-invited', why: 'expired' })
  })

  return (
    <DeskContext.Provider value={desk}>
      <Workspace />
    </DeskContext.Provider>
  )
}

function inviteCode(): string | null {
  const place = route.peek()
  return place.page === 'invitation' ? place.code : null
}
