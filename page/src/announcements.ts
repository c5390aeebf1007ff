/** What a screen reader is told of a room besides its messages: growing text would be read over and over. */

import { isOpen } from './approvals'
import { placesByMessage, placeInWords } from './queue'
import { nameOf, type Room } from './room'

/** Something that holds at this moment, with the words for its beginning and its end. */
export interface Fact {
  begins: string
  ends: string
}

/** By a key of its own: the same key at two moments is the same fact. */
export type Facts = ReadonlyMap<string, Fact>

export function factsOf(room: Room, me: string): Facts {
  const facts = new Map<string, Fact>()
  for (const { assistant, doing } of room.answers) {
    const name = nameOf(room, assistant)
    facts.set(`answer ${assistant}`, { begins: `${name} is answering.`, ends: `${name} is done.` })
    if (doing) facts.set(`doing ${assistant} ${doing}`, { begins: `${name}: ${doing}.`, ends: '' })
  }
  for (const approval of room.approvals) {
    const { id, assistant, action, decision } = approval
    const begins = isOpen(approval)
      ? `${nameOf(room, assistant)} asks for approval: ${action}.`
      : `${decision === 'expired' ? 'Not decided' : decision}: ${action}.`
    facts.set(`approval ${id} ${decision ?? ''}`, { begins, ends: '' })
  }
  for (const [id, { assistant, asker, place }] of placesByMessage(room.queues)) {
    if (asker !== me) continue
    const begins = `${placeInWords(place)} in the queue of ${nameOf(room, assistant)}.`
    facts.set(`place ${id} ${place}`, { begins, ends: '' })
  }
  return facts
}

/** What to say of the change from one moment to the next; empty where there is none. */
export function changeInWords(before: Facts, now: Facts): string {
  const ended = [...before].filter(([key]) => !now.has(key)).map(([, fact]) => fact.ends)
  const begun = [...now].filter(([key]) => !before.has(key)).map(([, fact]) => fact.begins)
  return [...ended, ...begun].filter(Boolean).join(' ')
}
