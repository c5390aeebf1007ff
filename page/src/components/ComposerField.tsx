import type { RefObject } from 'preact'

import type { Suggestions } from './useSuggestions'

/** As many lines as a browser without `field-sizing` grows the field to. */
const MOST_ROWS = 8

interface Props {
  area: RefObject<HTMLTextAreaElement | null>
  roomId: string
  text: string
  suggestions: Suggestions
  onWrite(text: string): void
  onComplete(word: string): void
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
  suggestions,
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
    if (suggestions.onKey(event.key, onComplete)) event.preventDefault()
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
        aria-controls={suggestions.isOpen ? 'suggestion-menu' : undefined}
        aria-activedescendant={suggestions.isOpen ? `suggestion-${suggestions.chosen}` : undefined}
        onInput={event => {
          onWrite(event.currentTarget.value)
          suggestions.look()
        }}
        onSelect={suggestions.look}
        onBlur={suggestions.close}
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
