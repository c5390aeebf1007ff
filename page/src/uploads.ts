/** Files on their way to the server, attached to the message that is being written. */

import { signal } from '@preact/signals'

import { type Api, errorFrom } from './api'
import type { FileData } from './protocol'
import { fileSize } from './time'

/** What the server takes unless it was told otherwise; said here, so that nobody waits for a refusal. */
export const MOST_BYTES = 104_857_600

export interface Upload {
  /** Of this page alone. */
  key: number
  name: string
  size: number
  /** From 0 to 1. */
  progress: number
  file: FileData | null
  error: string | null
}

export class Uploads {
  readonly list = signal<readonly Upload[]>([])
  private readonly requests = new Map<number, XMLHttpRequest>()
  private count = 0

  constructor(private readonly api: Api) {}

  add(files: Iterable<File>): void {
    for (const file of files) this.start(file)
  }

  /** Takes a file away, ending its transfer. */
  remove(key: number): void {
    this.requests.get(key)?.abort()
    this.requests.delete(key)
    this.list.value = this.list.peek().filter(upload => upload.key !== key)
  }

  /** The ids of what arrived, in order, leaving the tray empty. */
  take(): string[] {
    const ids = this.list.peek().flatMap(upload => (upload.file ? [upload.file.id] : []))
    this.list.value = []
    return ids
  }

  get isBusy(): boolean {
    return this.list.value.some(upload => !upload.file && !upload.error)
  }

  private start(file: File): void {
    const key = ++this.count
    const upload: Upload = { key, name: file.name, size: file.size, progress: 0, file: null, error: null }
    if (file.size > MOST_BYTES) upload.error = `Too large: at most ${fileSize(MOST_BYTES)}.`
    else if (file.size === 0) upload.error = 'The file is empty.'
    this.list.value = [...this.list.peek(), upload]
    if (!upload.error) this.send(key, file)
  }

  /** `XMLHttpRequest`, because `fetch` does not tell how much of a body was sent. */
  private send(key: number, file: File): void {
    const request = new XMLHttpRequest()
    const body = new FormData()
    body.append('file', file)
    request.open('POST', '/files')
    for (const [name, value] of Object.entries(this.api.headers())) request.setRequestHeader(name, value)
    request.upload.onprogress = event => this.change(key, { progress: event.loaded / event.total })
    request.onload = () => this.finished(key, request)
    request.onerror = () => this.change(key, { error: 'The connection was lost.' })
    this.requests.set(key, request)
    request.send(body)
  }

  private finished(key: number, request: XMLHttpRequest): void {
    this.requests.delete(key)
    if (request.status === 201)
      this.change(key, { progress: 1, file: JSON.parse(request.responseText) as FileData })
    else this.change(key, { error: errorFrom(request.status, request.responseText).message })
  }

  private change(key: number, change: Partial<Upload>): void {
    this.list.value = this.list.peek().map(upload => (upload.key === key ? { ...upload, ...change } : upload))
  }
}
