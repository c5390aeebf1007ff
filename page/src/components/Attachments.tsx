import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'

import { isPreviewed } from '../files'
import type { FileData } from '../protocol'
import { fileSize } from '../time'
import { useDesk } from './context'
import { Icon } from './Icon'
import { closeOnBackdrop } from './Switcher'

export function Attachments({ ids }: { ids: readonly string[] }) {
  return (
    <ul class="attachments" aria-label="Files">
      {ids.map(id => (
        <li key={id}>
          <Attachment id={id} />
        </li>
      ))}
    </ul>
  )
}

function Attachment({ id }: { id: string }) {
  const { files } = useDesk()
  const [file, setFile] = useState<FileData | 'unknown' | null>(null)
  useEffect(() => {
    files.describe(id).then(setFile, () => setFile('unknown'))
  }, [files, id])
  if (file === null)
    return (
      <span class="file" aria-busy="true">
        <Icon name="file" /> <span class="file-name">Loading</span>
      </span>
    )
  if (file === 'unknown')
    return (
      <span class="file">
        <Icon name="file" /> <span class="file-name">{id}</span>
      </span>
    )
  return isPreviewed(file) ? <Preview file={file} /> : <FileButton file={file} />
}

function FileButton({ file }: { file: FileData }) {
  const { files } = useDesk()
  const [hasFailed, setFailed] = useState(false)
  const download = () =>
    void files.download(file).then(
      () => setFailed(false),
      () => setFailed(true),
    )
  return (
    <button type="button" class="file" onClick={download} title={`Download ${file.name}`}>
      <Icon name="file" />
      <span class="file-name">{file.name}</span>
      <span class="file-size">{hasFailed ? 'Not available' : fileSize(file.size)}</span>
      <Icon name="download" />
    </button>
  )
}

/** An image as its content, fetched with the reader's identity; a click shows it whole. */
function Preview({ file }: { file: FileData }) {
  const { files } = useDesk()
  const [address, setAddress] = useState<string | null>(null)
  const [isOpen, setOpen] = useState(false)
  const [hasFailed, setFailed] = useState(false)
  useEffect(() => {
    let made: string | null = null
    let isGone = false
    files.address(file.id).then(
      url => {
        made = url
        if (isGone) URL.revokeObjectURL(url)
        else setAddress(url)
      },
      () => setFailed(true),
    )
    return () => {
      isGone = true
      if (made) URL.revokeObjectURL(made)
    }
  }, [files, file.id])
  if (hasFailed) return <FileButton file={file} />
  return (
    <>
      <button
        type="button"
        class="preview"
        aria-label={`Show ${file.name}`}
        title={file.name}
        disabled={!address}
        onClick={() => setOpen(true)}
      >
        {address && <img src={address} alt={file.name} onError={() => setFailed(true)} />}
      </button>
      {isOpen && address && <Lightbox file={file} address={address} onClose={() => setOpen(false)} />}
    </>
  )
}

function Lightbox({ file, address, onClose }: { file: FileData; address: string; onClose(): void }) {
  const { files } = useDesk()
  const dialog = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog ref={dialog} class="lightbox" aria-label={file.name} onClose={onClose} onClick={closeOnBackdrop}>
      <img src={address} alt={file.name} />
      <div class="lightbox-bar">
        <span class="file-name">{file.name}</span>
        <span class="file-size">{fileSize(file.size)}</span>
        <button
          type="button"
          class="button-icon"
          aria-label="Download"
          title="Download"
          onClick={() => void files.download(file)}
        >
          <Icon name="download" />
        </button>
        <button
          type="button"
          class="button-icon"
          aria-label="Close"
          title="Close"
          onClick={() => dialog.current?.close()}
        >
          <Icon name="close" />
        </button>
      </div>
    </dialog>
  )
}
