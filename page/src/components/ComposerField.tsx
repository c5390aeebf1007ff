import type { RefObject } from 'preact'

import type { Mention } from './useMention'

/** As many lines as a browser without `field-sizing` grows the field to. */
const MOST_ROWS = 8

interface Props {
  area: RefObject<HTMLTextAreaElement | null>
  roomId: string
  text: string
  mention: Mention
  onWrite(text: string): void
  onComplete(id: string): void
  onSend(): void
  onEscape(): void
  /** The arrow up in an empty field. */
  onEditLast(): void
  onFiles(files: File[]): void
}

export function ComposerField({
  area,
  roomId,
  text,
  mention,
  onWrite,
  onComplete,
  onSend,
  onEscape,
  onEditLast,
  onFiles,
}: Props) {
  const onKeyDown = (event: KeyboardEvent) => {
    // Enter also confirms what an input method composes; Safari tells so by the key code only.
    if (event.isComposing || event.keyCode === 229) return
    if (mention.onKey(event.key, onComplete)) event.preventDefault()
    else if (event.key === 'Escape') onEscape()
    else if (event.key === 'ArrowUp' && text === '') {
      event.preventDefault()
      onEditLast()
    } else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault()
      onSend()
    }
  }
  const onPaste = (event: ClipboardEvent) => {
    const files = [...(event.clipboardData?.files ?? [])]
    if (files.length === 0) return
    event.preventDefault()
    onFiles(files)
  }
  return (
    <>
      <label class="visually-hidden" for="composer">
        Message to {roomId}
      </label>
      <textarea
        ref={area}
        id="composer"
        rows={Math.min(MOST_ROWS, text.split('\n').length)}
        placeholder={`Message #${roomId}`}
        value={text}
        enterkeyhint="send"
        autocomplete="off"
        aria-autocomplete="list"
        aria-controls={mention.isOpen ? 'mention-menu' : undefined}
        aria-activedescendant={mention.isOpen ? `mention-${mention.chosen}` : undefined}
        onInput={event => {
          onWrite(event.currentTarget.value)
          mention.look()
        }}
        onSelect={mention.look}
        onBlur={mention.close}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
      />
    </>
  )
}

/** Puts the text there at once: when it is drawn later, the caret would jump to its end. */
export function moveCaret(area: HTMLTextAreaElement, to: { text: string; caret: number }): void {
  area.value = to.text
  area.focus()
  area.setSelectionRange(to.caret, to.caret)
}
