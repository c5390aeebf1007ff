import { fileSize } from '../time'
import type { Upload, Uploads } from '../uploads'
import { Icon } from './Icon'

/** The files that go with the next message. */
export function UploadTray({ uploads }: { uploads: Uploads }) {
  const list = uploads.list.value
  if (list.length === 0) return null
  return (
    <ul class="upload-tray" aria-label="Files to send">
      {list.map(upload => (
        <Item key={upload.key} upload={upload} onRemove={() => uploads.remove(upload.key)} />
      ))}
    </ul>
  )
}

function Item({ upload, onRemove }: { upload: Upload; onRemove(): void }) {
  const { name, size, progress, file, error } = upload
  const isUnderWay = !file && !error
  return (
    <li class={`file upload ${error ? 'has-failed' : ''}`}>
      <Icon name="file" />
      <span class="file-name">{name}</span>
      {error ? (
        <span class="file-error" role="alert">
          {error}
        </span>
      ) : (
        <span class="file-size">{fileSize(size)}</span>
      )}
      {isUnderWay && <progress value={progress} max={1} aria-label={`Sending ${name}`} />}
      <button
        type="button"
        class="button-icon"
        aria-label={isUnderWay ? `Cancel ${name}` : `Remove ${name}`}
        onClick={onRemove}
      >
        <Icon name="close" />
      </button>
    </li>
  )
}
