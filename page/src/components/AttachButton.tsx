import { useRef } from 'preact/hooks'

import { Icon } from './Icon'

export function AttachButton({ onFiles }: { onFiles(files: File[]): void }) {
  const input = useRef<HTMLInputElement>(null)
  const take = () => {
    onFiles([...(input.current?.files ?? [])])
    if (input.current) input.current.value = '' // So that the same file can be chosen again.
  }
  const open = () => input.current?.click()
  return (
    <>
      <input ref={input} type="file" multiple hidden onChange={take} aria-label="Files" />
      <button type="button" class="button-icon" aria-label="Attach files" title="Attach files" onClick={open}>
        <Icon name="attach" />
      </button>
    </>
  )
}
