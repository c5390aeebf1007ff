import { useEffect, useImperativeHandle, useRef, useState } from 'preact/hooks'
import type { RefObject } from 'preact'

import type { Message } from '../history'
import { completed, type MentionQuery, mentionAt, suggestions } from '../mention'
import { nameOf, type Room } from '../room'
import type { Uploads } from '../uploads'
import { useDesk } from './context'
import { Icon } from './Icon'
import { MentionMenu } from './MentionMenu'
import { oneLine } from './Quote'
import { UploadTray } from './UploadTray'

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
}

export function Composer({ room, handle, uploads, replyTo, onReplyDone, onSaid }: Props) {
  const { chat, drafts } = useDesk()
  const area = useRef<HTMLTextAreaElement>(null)
  const [text, setText] = useState(drafts.get(room.id))
  const mention = useMention(room, text, area)
  const left = MOST_LETTERS - text.length
  const canSend = left >= 0 && !uploads.isBusy && (text.trim() !== '' || uploads.list.value.some(upload => upload.file))

  const write = (next: string) => {
    setText(next)
    drafts.set(room.id, next)
    if (next.trim()) chat.typing.typed(room.id)
    else chat.typing.stopped()
  }
  const send = () => {
    if (!canSend) return
    chat.say(room.id, text.trim(), uploads.take(), replyTo?.id ?? null)
    setText('')
    drafts.set(room.id, '')
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
  const onKeyDown = (event: KeyboardEvent) => {
    // Enter also confirms what an input method composes; Safari tells so by the key code only.
    if (event.isComposing || event.keyCode === 229) return
    if (mention.onKey(event.key, complete)) event.preventDefault()
    else if (event.key === 'Escape') onReplyDone()
    else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault()
      send()
    }
  }
  const onPaste = (event: ClipboardEvent) => {
    const files = [...(event.clipboardData?.files ?? [])]
    if (files.length === 0) return
    event.preventDefault()
    uploads.add(files)
  }

  useImperativeHandle(handle, () => ({
    focus: () => area.current?.focus(),
    propose: proposed => {
      write(proposed)
      if (area.current) moveCaret(area.current, { text: proposed, caret: proposed.length })
    },
  }))
  useEffect(() => {
    // On a phone the focus would open its keyboard over what one came to read.
    if (matchMedia('(pointer: fine)').matches) area.current?.focus()
  }, [])

  return (
    <form
      class="composer"
      onSubmit={event => {
        event.preventDefault()
        send()
      }}
    >
      {mention.isOpen && <MentionMenu members={mention.members} chosen={mention.chosen} onChoose={complete} onHover={mention.choose} />}
      {replyTo && <ReplyBar room={room} message={replyTo} onCancel={onReplyDone} />}
      <UploadTray uploads={uploads} />
      <div class="composer-row">
        <AttachButton onFiles={files => uploads.add(files)} />
        <label class="visually-hidden" for="composer">Message to {room.id}</label>
        <textarea
          ref={area}
          id="composer"
          rows={Math.min(8, text.split('\n').length)}
          placeholder={`Message #${room.id}`}
          value={text}
          enterkeyhint="send"
          autocomplete="off"
          aria-autocomplete="list"
          aria-controls={mention.isOpen ? 'mention-menu' : undefined}
          aria-activedescendant={mention.isOpen ? `mention-${mention.chosen}` : undefined}
          onInput={event => {
            write(event.currentTarget.value)
            mention.look()
          }}
          onSelect={mention.look}
          onBlur={mention.close}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
        />
        <button class="send" aria-label="Send" title="Send" disabled={!canSend}><Icon name="send" /></button>
      </div>
      {left < WARN_LETTERS && (
        <p class={`hint ${left < 0 ? 'is-error' : ''}`} role="status">
          {left < 0 ? `Too long by ${-left} characters` : `${left} characters left`}
        </p>
      )}
    </form>
  )
}

/** The mention at the caret, and the members that it may mean. */
function useMention(room: Room, text: string, area: RefObject<HTMLTextAreaElement | null>) {
  const { chat } = useDesk()
  const [query, setQuery] = useState<MentionQuery | null>(null)
  const [chosen, choose] = useState(0)
  const members = query ? suggestions(room.members.values(), query.text, chat.me) : []
  const isOpen = members.length > 0
  const look = () => {
    const found = area.current ? mentionAt(area.current.value, area.current.selectionStart) : null
    if (found?.text !== query?.text) choose(0)
    setQuery(found)
  }
  /** Answers whether the key was meant for the menu. */
  const onKey = (key: string, complete: (id: string) => void): boolean => {
    if (!isOpen) return false
    const step = { ArrowDown: 1, ArrowUp: -1 }[key]
    if (step) choose((chosen + step + members.length) % members.length)
    else if (key === 'Enter' || key === 'Tab') complete(members[Math.min(chosen, members.length - 1)]!.id)
    else if (key === 'Escape') setQuery(null)
    else return false
    return true
  }
  return { query, members, isOpen, chosen, choose, look, onKey, close: () => setQuery(null), text }
}

function ReplyBar({ room, message, onCancel }: { room: Room; message: Message; onCancel(): void }) {
  const name = nameOf(room, message.sender)
  return (
    <div class="reply-bar">
      <Icon name="reply" />
      <p>Reply to <strong>{name}</strong> <span class="faded">{oneLine(message.text)}</span></p>
      <button type="button" class="button-icon" aria-label="Do not reply" onClick={onCancel}><Icon name="close" /></button>
    </div>
  )
}

function AttachButton({ onFiles }: { onFiles(files: File[]): void }) {
  const input = useRef<HTMLInputElement>(null)
  const take = () => {
    onFiles([...(input.current?.files ?? [])])
    if (input.current) input.current.value = '' // So that the same file can be chosen again.
  }
  return (
    <>
      <input ref={input} type="file" multiple hidden onChange={take} aria-label="Files" />
      <button type="button" class="button-icon" aria-label="Attach files" title="Attach files" onClick={() => input.current?.click()}>
        <Icon name="attach" />
      </button>
    </>
  )
}

/** After the text is drawn: before, the element would put the caret at its end. */
function moveCaret(area: HTMLTextAreaElement, to: { text: string; caret: number }): void {
  area.value = to.text
  area.focus()
  area.setSelectionRange(to.caret, to.caret)
}
