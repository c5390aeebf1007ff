import { describe, expect, it } from 'vitest'

import { placeInWords, placesByMessage, withoutQueue, withQueue } from '../src/queue'

const waiting = (id: string, place: number) => ({ message_id: id, sender: 'bo', place })

describe('the queue', () => {
  const queues = withQueue(new Map(), 'haitch', [waiting('m1', 1), waiting('m2', 2)])

  it('tells where each message waits, and of several the nearest', () => {
    const both = withQueue(queues, 'scribe', [waiting('m2', 1)])
    expect([...placesByMessage(both)]).toEqual([
      ['m1', { assistant: 'haitch', asker: 'bo', place: 1 }],
      ['m2', { assistant: 'scribe', asker: 'bo', place: 1 }],
    ])
  })

  it('is replaced by what is told next, and ends with an empty list', () => {
    const next = withQueue(queues, 'haitch', [waiting('m2', 1)])
    expect([...placesByMessage(next).keys()]).toEqual(['m2'])
    expect(withQueue(next, 'haitch', []).size).toBe(0)
    expect(withoutQueue(queues, 'scribe')).toBe(queues)
  })

  it('names places', () => {
    expect([1, 2, 3, 4, 11, 22].map(placeInWords)).toEqual(['Next', '2nd', '3rd', '4th', '11th', '22nd'])
  })
})
