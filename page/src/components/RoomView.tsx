import { useCallback, useMemo, useRef, useState } from 'preact/hooks'

import type { Message } from '../history'
import type { Room } from '../room'
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
import { useShownMessage } from './useShownMessage'

/** From here on the list of members has room beside the messages. */
const WIDE = '(min-width: 1200px)'

export function RoomView({ roomId }: { roomId: string }) {
  const { chat, uploads } = useDesk()
  const room = useMemo(() => chat.rooms.get(roomId), [chat, roomId]).value
  const [showsPeople, setShowsPeople] = useState(matchMedia(WIDE).matches)
  const drop = useFileDrop(files => uploads(roomId).add(files))
  const togglePeople = () => {
    setShowsPeople(!showsPeople)
    if (!showsPeople) void chat.loadMembers(roomId)
  }
  return (
    <>
      <main class="room" {...drop.handlers}>
        <RoomHeader room={room} showsPeople={showsPeople} onTogglePeople={togglePeople} />
        {room.denied === null ? <Conversation room={room} /> : <Denied roomId={roomId} why={room.denied} />}
        <Announcer room={room} />
        {drop.isOver && <DropHint />}
      </main>
      {showsPeople && <People room={room} onClose={togglePeople} />}
    </>
  )
}

/** The messages and what is written next. */
function Conversation({ room }: { room: Room }) {
  const { chat, uploads } = useDesk()
  const [replyTo, setReplyTo] = useState<Message | null>(null)
  const [editing, setEditing] = useState<string | null>(null)
  const keeper = useRef<ScrollKeeper | null>(null)
  const composer = useRef<ComposerHandle>(null)
  const { marked, problem, show, showSeq, clearProblem } = useShownMessage(room, keeper)
  const reply = useCallback((message: Message) => {
    setReplyTo(message)
    composer.current?.focus()
  }, [])
  const edit = useCallback((message: Message | null) => {
    setEditing(message?.id ?? null)
    if (!message) composer.current?.focus()
  }, [])
  const editLast = () => {
    const isMine = (message: Message) => message.sender === chat.me && !message.deleted && !message.answer
    const last = room.history.hasNewer ? undefined : room.history.messages.findLast(isMine)
    if (last) setEditing(last.id)
  }
  const dismiss = () => {
    chat.dismissNotice(room.id)
    clearProblem()
  }
  const toEnd = () => void chat.showPresent(room.id).then(() => keeper.current?.toEnd())
  const notice = room.notice ?? problem
  return (
    <>
      {notice && <Notice text={notice} onClose={dismiss} />}
      <Timeline
        room={room}
        marked={marked}
        keeper={keeper}
        editing={editing}
        onReply={reply}
        onEdit={edit}
        onSuggest={text => composer.current?.propose(text)}
        onShow={show}
        onShowSeq={showSeq}
      />
      <TypingLine room={room} />
      <Composer
        room={room}
        handle={composer}
        uploads={uploads(room.id)}
        replyTo={replyTo}
        onReplyDone={() => setReplyTo(null)}
        onSaid={toEnd}
        onEditLast={editLast}
      />
    </>
  )
}

function Notice({ text, onClose }: { text: string; onClose(): void }) {
  return (
    <p class="notice" role="status">
      {text}
      <button type="button" class="button-icon" aria-label="Dismiss" onClick={onClose}>
        <Icon name="close" />
      </button>
    </p>
  )
}

function Denied({ roomId, why }: { roomId: string; why: string }) {
  const { chat } = useDesk()
  return (
    <div class="empty">
      <h2>You can not enter #{roomId}</h2>
      <p>{why}</p>
      <button type="button" class="button" onClick={() => void chat.open(roomId)}>
        Try again
      </button>
    </div>
  )
}

function DropHint() {
  return (
    <div class="drop-hint" aria-hidden="true">
      <span>
        <Icon name="attach" /> Drop files to attach them
      </span>
    </div>
  )
}
