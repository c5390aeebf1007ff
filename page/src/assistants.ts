/** Which assistants a room has and how they listen, and which it could have. */

import { signal } from '@preact/signals'

import type { Api } from './api'
import type { AssistantProfile, CommandData, Listens, RoomAssistant } from './protocol'

/** How an assistant listens that somebody adds: to what is said to it. */
const NEWCOMER: Listens = 'mentions'

export class Assistants {
  /** All that workers have loaded. */
  readonly loaded = signal<readonly AssistantProfile[]>([])
  private readonly byRoom = signal<ReadonlyMap<string, readonly RoomAssistant[]>>(new Map())

  constructor(private readonly api: Api) {}

  /** Those in a room, as far as it is known; reads a signal. */
  in(roomId: string): readonly RoomAssistant[] {
    return this.byRoom.value.get(roomId) ?? []
  }

  /** What they do at a word, by name. */
  commands(roomId: string): CommandData[] {
    return this.in(roomId)
      .flatMap(each => (each.listens === 'off' ? [] : (each.commands ?? [])))
      .toSorted((a, b) => a.name.localeCompare(b.name))
  }

  /** Those that a room could have besides; none while it is not known which it has. */
  absentFrom(roomId: string): AssistantProfile[] {
    const present = this.byRoom.value.get(roomId)
    if (!present) return []
    const ids = new Set(present.map(each => each.id))
    return this.loaded.value.filter(each => !ids.has(each.id))
  }

  /** Asks the server again. Rejects with `ApiError`. */
  async load(roomId: string): Promise<void> {
    const [loaded, present] = await Promise.all([this.api.assistants(), this.api.roomAssistants(roomId)])
    this.loaded.value = loaded
    this.byRoom.value = new Map(this.byRoom.peek()).set(roomId, present)
  }

  async add(roomId: string, id: string): Promise<void> {
    await this.listen(roomId, id, NEWCOMER)
  }

  async listen(roomId: string, id: string, listens: Listens): Promise<void> {
    await this.api.putAssistant(roomId, id, listens)
    await this.load(roomId)
  }

  async remove(roomId: string, id: string): Promise<void> {
    await this.api.removeAssistant(roomId, id)
    await this.load(roomId)
  }
}
