/** What was written and not sent, for each room; it survives a reload. */

const KEY = 'productflo.drafts'

export class Drafts {
  private readonly byRoom: Map<string, string>

  constructor(private readonly storage: Storage) {
    this.byRoom = restore(storage.getItem(KEY))
  }

  get(roomId: string): string {
    return this.byRoom.get(roomId) ?? ''
  }

  set(roomId: string, text: string): void {
    if (text) this.byRoom.set(roomId, text)
    else this.byRoom.delete(roomId)
    this.storage.setItem(KEY, JSON.stringify(Object.fromEntries(this.byRoom)))
  }
}

function restore(text: string | null): Map<string, string> {
  try {
    return new Map(Object.entries(JSON.parse(text ?? '{}') as Record<string, string>))
  } catch {
    return new Map() // Another version of the page wrote it.
  }
}
