/** Attached files as the page shows them: what they are, and their content where it is an image. */

import type { Api } from './api'
import type { FileData } from './protocol'

/** Images that every browser draws, and no others: an SVG, for one, is a document. */
const PREVIEWED = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif'])
/** A preview of something larger would cost a phone more than it shows. */
const MOST_PREVIEWED_BYTES = 20_000_000

export class Files {
  private readonly described = new Map<string, Promise<FileData>>()

  constructor(private readonly api: Api) {}

  /** Rejects with `ApiError`; ids of another platform service are unknown to this server (404). */
  describe(id: string): Promise<FileData> {
    const known = this.described.get(id)
    if (known) return known
    const asked = this.api.file(id)
    this.described.set(id, asked)
    asked.catch(() => this.described.delete(id)) // It may be reachable the next time.
    return asked
  }

  /** A `blob:` address of the content; the caller revokes it. */
  async address(id: string): Promise<string> {
    return URL.createObjectURL(await this.api.fileContent(id))
  }

  /** Through `fetch`, because a plain link carries no identity on an open server. */
  async download(file: FileData): Promise<void> {
    const link = document.createElement('a')
    link.href = await this.address(file.id)
    link.download = file.name
    link.click()
    URL.revokeObjectURL(link.href)
  }
}

export function isPreviewed(file: FileData): boolean {
  return PREVIEWED.has(file.mime_type) && file.size <= MOST_PREVIEWED_BYTES
}
