import type { RefObject } from 'preact'
import { useEffect, useImperativeHandle, useRef, useState } from 'preact/hooks'

import type { Chat } from '../chat'
import type { Message } from '../history'
import { mentionedIn } from '../mention'
import type { AssistantProfile, CommandData } from '../protocol'
import type { Room } from '../room'
import { commandOf, completed } from '../suggestion'
import type { Uploads } from '../uploads'
import { AddOffer } from './AddOffer'
import { AttachButton } from './AttachButton'
import { ComposerField, moveCaret } from './ComposerField'
import { useDesk } from './context'
import { Icon } from './Icon'
import { ReplyBar } from './ReplyBar'
import { SuggestionMenu } from './SuggestionMenu'
import { UploadTray } from './UploadTray'
import { useSuggestions } from './useSuggestions'

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
  const [text, setText] = useDraft(room.id)
  const [absent, setAbsent] = useState<readonly AssistantProfile[]>([])
  const suggestions = useSuggestions(room, area)
  const left = MOST_LETTERS - text.length
  const hasContent = text.trim() !== '' || uploads.list.value.some(upload => upload.file)
  const canSend = left >= 0 && hasContent && !uploads.isBusy
  const command = commandOf(text, chat.assistants.commands(room.id))

  const write = (next: string) => {
    setAbsent([])
    setText(next)
  }
  const say = () => {
    chat.say(room.id, text.trim(), uploads.take(), replyTo?.id ?? null)
    write('')
    suggestions.close()
    onReplyDone()
    onSaid()
    area.current?.focus()
  }
  const send = () => {
    if (!canSend) return
    const unheard = absentIn(text, room, chat)
    if (unheard.length > 0) setAbsent(unheard)
    else say()
  }
  const stay = () => {
    setAbsent([])
    area.current?.focus()
  }
  const complete = (word: string) => {
    if (!suggestions.query || !area.current) return
    const next = completed(text, suggestions.query, word)
    write(next.text)
    suggestions.close()
    moveCaret(area.current, next)
  }
  useHandle(handle, area, write)

  return (
    <form class="composer" onSubmit={event => (event.preventDefault(), send())}>
      {suggestions.isOpen && (
        <SuggestionMenu {...suggestions} onChoose={complete} onHover={suggestions.choose} />
      )}
      {absent.length > 0 && <AddOffer roomId={room.id} absent={absent} onSend={say} onCancel={stay} />}
      {replyTo && <ReplyBar room={room} message={replyTo} onCancel={onReplyDone} />}
      <UploadTray uploads={uploads} />
      <div class="composer-row">
        <AttachButton onFiles={files => uploads.add(files)} />
        <ComposerField
          area={area}
          roomId={room.id}
          text={text}
          suggestions={suggestions}
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
      {command && <CommandHint command={command} />}
      {left < WARN_LETTERS && <LettersLeft left={left} />}
    </form>
  )
}

/** Assistants that the text mentions, that could be in the room and are not. */
function absentIn(text: string, room: Room, chat: Chat): AssistantProfile[] {
  if (room.kind === 'direct') return []
  const absent = chat.assistants
    .absentFrom(room.id)
    .filter(each => !each.broken && !room.members.has(each.id))
  const mentioned = new Set(mentionedIn(text, absent.map(each => each.id)))
  return absent.filter(each => mentioned.has(each.id))
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

function CommandHint({ command }: { command: CommandData }) {
  return (
    <p class="hint">
      <strong>/{command.name}</strong> {command.description}
    </p>
  )
}

function LettersLeft({ left }: { left: number }) {
  return (
    <p class={`hint ${left < 0 ? 'is-error' : ''}`} role="status">
      {left < 0 ? `Too long by ${-left} characters` : `${left} characters left`}
    </p>
  )
}
