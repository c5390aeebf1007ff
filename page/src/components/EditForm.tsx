import { useEffect, useRef, useState } from 'preact/hooks'

import { moveCaret } from './ComposerField'

const MOST_ROWS = 12

interface Props {
  text: string
  onSave(text: string): void
  onCancel(): void
}

/** One's own message, to be changed in its place. Enter saves, Escape leaves it as it was. */
export function EditForm({ text, onSave, onCancel }: Props) {
  const area = useRef<HTMLTextAreaElement>(null)
  const [next, write] = useState(text)
  const canSave = next.trim() !== '' && next.trim() !== text
  useEffect(() => {
    if (area.current) moveCaret(area.current, { text, caret: text.length })
  }, [text])
  const save = () => {
    if (canSave) onSave(next.trim())
    else if (next.trim() === text) onCancel()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    event.stopPropagation() // The arrows move in the text, not between messages.
    if (event.isComposing || event.keyCode === 229) return
    if (event.key === 'Escape') onCancel()
    else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault()
      save()
    }
  }
  return (
    <form class="edit" onSubmit={event => (event.preventDefault(), save())}>
      <textarea
        ref={area}
        aria-label="Edit your message"
        rows={Math.min(MOST_ROWS, next.split('\n').length)}
        value={next}
        onInput={event => write(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <p class="edit-ends">
        <button class="button-quiet" disabled={!canSave}>
          Save
        </button>
        <button type="button" class="button-quiet" onClick={onCancel}>
          Cancel
        </button>
      </p>
    </form>
  )
}
