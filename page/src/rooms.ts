/** The reader's rooms, each behind a signal of its own: a change in one redraws that one only. */

import { computed, type Signal, signal } from '@preact/signals'

import { newRoom, type Room } from './room'

export class Rooms {
  private readonly byId = signal<ReadonlyMap<string, Signal<Room>>>(new Map())

  /** By name; those with something unread keep their place: nothing jumps under the pointer. */
  readonly all = computed(() =>
    [...this.byId.value.values()].toSorted((a, b) => a.peek().id.localeCompare(b.peek().id)),
  )

  readonly unread = computed(() => this.all.value.reduce((sum, room) => sum + room.value.unread, 0))

  /** The room's signal; made on first use. */
  get(id: string): Signal<Room> {
    const known = this.byId.peek().get(id)
    if (known) return known
    const room = signal(newRoom(id))
    this.byId.value = new Map(this.byId.peek()).set(id, room)
    return room
  }

  find(id: string): Signal<Room> | undefined {
    return this.byId.value.get(id)
  }

  update(id: string, change: (room: Room) => Room): void {
    const room = this.get(id)
    room.value = change(room.peek())
  }

  updateAll(change: (room: Room) => Room): void {
    for (const room of this.byId.peek().values()) room.value = change(room.peek())
  }

  remove(id: string): void {
    const rest = new Map(this.byId.peek())
    rest.delete(id)
    this.byId.value = rest
  }

  ids(): string[] {
    return [...this.byId.peek().keys()]
  }
}
