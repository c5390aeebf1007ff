/** Questions, and answers that were asked for again, that wait for an assistant that is at another one. */

import type { WaitingData } from './protocol'

/** By assistant, in the order in which they will be answered. */
export type Queues = ReadonlyMap<string, readonly WaitingData[]>

export interface Place {
  assistant: string
  /** Who asked. */
  asker: string
  /** 1 is the next. */
  place: number
}

export function withQueue(queues: Queues, assistant: string, waiting: readonly WaitingData[]): Queues {
  if (waiting.length === 0) return withoutQueue(queues, assistant)
  return new Map(queues).set(assistant, waiting)
}

/** The same object where nobody waits for it. */
export function withoutQueue(queues: Queues, assistant: string): Queues {
  if (!queues.has(assistant)) return queues
  const rest = new Map(queues)
  rest.delete(assistant)
  return rest
}

/** By message id, where it waits; one that asks several assistants waits where it is nearest. */
export function placesByMessage(queues: Queues): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>()
  for (const [assistant, waiting] of queues) {
    for (const { message_id: id, sender: asker, place } of waiting) {
      const known = places.get(id)
      if (!known || place < known.place) places.set(id, { assistant, asker, place })
    }
  }
  return places
}

const SUFFIXES: Record<string, string> = { one: 'st', two: 'nd', few: 'rd', other: 'th' }
const ORDINALS = new Intl.PluralRules('en', { type: 'ordinal' })

/** "Next", "2nd", "3rd". */
export function placeInWords(place: number): string {
  return place === 1 ? 'Next' : `${place}${SUFFIXES[ORDINALS.select(place)]}`
}
