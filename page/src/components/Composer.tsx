import type { RefObject } from 'preact'
import { useEffect, useImperativeHandle, useRef, useState } from 'preact/hooks'

import type { Message } from '../history'
import { completed } from '../mention'
import type { Room } from '../room'
import type { Uploads } from '../uploads'
import { AttachButton } from './AttachButton'
import { ComposerField, moveCaret } from './ComposerField'
import { useDesk } from './context'
import { Icon } from './Icon'
import { MentionMenu } from './MentionMenu'
import { ReplyBar } from './ReplyBar'
import { UploadTray } from './UploadTray'
import { useMention } from './useMention'

/** The server's limit for one message, in characters. */
const MOST_LETTERS = 40_000
/** The counter shows when this many are left. */
const WARN_LETTERS = 2_000

export interface ComposerHandle {
  focus(): void
  /** Puts a text there to be sent or changed. */
  propose(text: string): void
}

interface Props {
  room: Room
  handle: RefObject<ComposerHandle | null>
  uploads: Uploads
  replyTo: Message | null
  onReplyDone(): void
  onSaid(): void
  /** The reader wants to change what they said last. */
  onEditLast(): void
}

export function Composer({ room, handle, uploads, replyTo, onReplyDone, onSaid, onEditLast }: Props) {
  const { chat } = useDesk()
  const area = useRef<HTMLTextAreaElement>(null)
  const [text, write] = useDraft(room.id)
  const mention = useMention(room, area)
  const left = MOST_LETTERS - text.length
  const hasContent = text.trim() !== '' || uploads.list.value.some(upload => upload.file)
  const canSend = left >= 0 && hasContent && !uploads.isBusy

  const send = () => {
    if (!canSend) return
    chat.say(room.id, text.trim(), uploads.take(), replyTo?.id ?? null)
    write('')
    mention.close()
    onReplyDone()
    onSaid()
    area.current?.focus()
  }
  const complete = (id: string) => {
    if (!mention.query || !area.current) return
    const next = completed(text, mention.query, id)
    write(next.text)
    mention.close()
    moveCaret(area.current, next)
  }
  useHandle(handle, area, write)

  return (
    <form class="composer" onSubmit={event => (event.preventDefault(), send())}>
      {mention.isOpen && <MentionMenu {...mention} onChoose={complete} onHover={mention.choose} />}
      {replyTo && <ReplyBar room={room} message={replyTo} onCancel={onReplyDone} />}
      <UploadTray uploads={uploads} />
      <div class="composer-row">
        <AttachButton onFiles={files => uploads.add(files)} />
        <ComposerField
          area={area}
          roomId={room.id}
          text={text}
          mention={mention}
          onWrite={write}
          onComplete={complete}
          onSend={send}
          onEscape={onReplyDone}
          onEditLast={onEditLast}
          onFiles={files => uploads.add(files)}
        />
        <button class="send" aria-label="Send" title="Send" disabled={!canSend}>
          <Icon name="send" />
        </button>
      </div>
      {left < WARN_LETTERS && <LettersLeft left={left} />}
    </form>
  )
}

/** The text that is being written: kept for each room, and told to the others as typing. */
function useDraft(roomId: string): [string, (text: string) => void] {
  const { chat, drafts } = useDesk()
  const [text, setText] = useState(drafts.get(roomId))
  const write = (next: string) => {
    setText(next)
    drafts.set(roomId, next)
    if (next.trim()) chat.typing.typed(roomId)
    else chat.typing.stopped()
  }
  return [text, write]
}

function useHandle(
  handle: RefObject<ComposerHandle | null>,
  area: RefObject<HTMLTextAreaElement | null>,
  write: (text: string) => void,
): void {
  useImperativeHandle(handle, () => ({
    focus: () => area.current?.focus(),
    propose: text => {
      write(text)
      if (area.current) moveCaret(area.current, { text, caret: text.length })
    },
  }))
  useEffect(() => {
    // On a phone the focus would open its keyboard over what one came to read.
    if (matchMedia('(pointer: fine)').matches) area.current?.focus()
  }, [area])
}

function LettersLeft({ left }: { left: number }) {
  return (
    <p class={`hint ${left < 0 ? 'is-error' : ''}`} role="status">
      {left < 0 ? `Too long by ${-left} characters` : `${left} characters left`}
    </p>
  )
}
