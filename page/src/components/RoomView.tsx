import { useSignal } from '@preact/signals'
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks'

import type { Message } from '../history'
import { route } from '../router'
import { Announcer } from './Announcer'
import { Composer, type ComposerHandle } from './Composer'
import { useDesk } from './context'
import { Icon } from './Icon'
import { People } from './People'
import { RoomHeader } from './RoomHeader'
import { Timeline } from './Timeline'
import { TypingLine } from './TypingLine'
import { useFileDrop } from './useFileDrop'
import type { ScrollKeeper } from './useScrollKeeper'

/** How long a message that a link led to stays marked. */
const MARKED_FOR_MS = 4_000

export function RoomView({ roomId }: { roomId: string }) {
  const { chat, uploads: uploadsOf } = useDesk()
  const room = useMemo(() => chat.rooms.get(roomId), [chat, roomId]).value
  const uploads = uploadsOf(roomId)
  const [replyTo, setReplyTo] = useState<Message | null>(null)
  const [showsPeople, setShowsPeople] = useState(matchMedia('(min-width: 1200px)').matches)
  const keeper = useRef<ScrollKeeper | null>(null)
  const composer = useRef<ComposerHandle>(null)
  const { marked, show, problem, clearProblem } = useShownMessage(roomId, keeper)
  const drop = useFileDrop(files => uploads.add(files))

  const reply = useCallback((message: Message) => {
    setReplyTo(message)
    composer.current?.focus()
  }, [])
  const dismiss = () => {
    chat.dismissNotice(roomId)
    clearProblem()
  }
  const togglePeople = () => {
    setShowsPeople(!showsPeople)
    if (!showsPeople) void chat.loadMembers(roomId)
  }
  const toEnd = async () => {
    await chat.showPresent(roomId)
    keeper.current?.toEnd()
  }
  return (
    <>
      <main class={`room ${drop.isOver ? 'takes-files' : ''}`} {...drop.handlers}>
        <RoomHeader room={room} showsPeople={showsPeople} onTogglePeople={togglePeople} />
        {(room.notice ?? problem) && <Notice text={room.notice ?? problem ?? ''} onClose={dismiss} />}
        {room.denied === null ? (
          <>
            <Timeline
              room={room}
              marked={marked}
              keeper={keeper}
              onReply={reply}
              onSuggest={text => composer.current?.propose(text)}
              onShow={show}
            />
            <TypingLine room={room} />
            <Composer
              room={room}
              handle={composer}
              uploads={uploads}
              replyTo={replyTo}
              onReplyDone={() => setReplyTo(null)}
              onSaid={() => void toEnd()}
            />
          </>
        ) : (
          <Denied roomId={roomId} why={room.denied} />
        )}
        <Announcer room={room} />
        {drop.isOver && <div class="drop-hint" aria-hidden="true"><span><Icon name="attach" /> Drop files to attach them</span></div>}
      </main>
      {showsPeople && <People room={room} onClose={togglePeople} />}
    </>
  )
}

function Notice({ text, onClose }: { text: string; onClose(): void }) {
  return (
    <p class="notice" role="status">
      {text}
      <button type="button" class="button-icon" aria-label="Dismiss" onClick={onClose}><Icon name="close" /></button>
    </p>
  )
}

function Denied({ roomId, why }: { roomId: string; why: string }) {
  const { chat } = useDesk()
  return (
    <div class="empty">
      <h2>You can not enter #{roomId}</h2>
      <p>{why}</p>
      <button type="button" class="button" onClick={() => void chat.open(roomId)}>Try again</button>
    </div>
  )
}

/** Follows `?m=` in the address, and quotes: brings a message into the page and marks it for a while. */
function useShownMessage(roomId: string, keeper: { current: ScrollKeeper | null }) {
  const { chat } = useDesk()
  const marked = useSignal<string | null>(null)
  const room = useMemo(() => chat.rooms.get(roomId), [chat, roomId]).value
  const place = route.value
  const wanted = place.page === 'room' && place.roomId === roomId ? place.messageId : null
  const [problem, setProblem] = useState<string | null>(null)

  const show = useCallback(
    async (messageId: string) => {
      const isFound = await chat.pager.around(roomId, messageId)
      setProblem(isFound ? null : 'That message is not here. It may be older than what is searched.')
      if (isFound) marked.value = messageId
    },
    [chat, roomId, marked],
  )
  useEffect(() => {
    if (wanted && room.history.loaded) void show(wanted)
  }, [wanted, room.history.loaded, show])
  useEffect(() => {
    if (marked.value === null) return undefined
    keeper.current?.toRow(marked.value)
    const timer = setTimeout(() => (marked.value = null), MARKED_FOR_MS)
    return () => clearTimeout(timer)
  }, [marked, marked.value, keeper])
  return { marked, show, problem, clearProblem: () => setProblem(null) }
}
