import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { type Change, Changes } from '../src/changes'
import { envelope, ME } from './samples'

describe('a change of a message', () => {
  let isUp: boolean
  let sent: Change[]
  let changes: Changes
  const edit = { message_id: 'm1', message: 'better' }

  beforeEach(() => {
    isUp = true
    sent = []
    changes = new Changes(change => isUp && sent.push(change) > 0)
  })
  afterEach(() => vi.useRealTimers())

  it('is sent again under the same id until its event has come', () => {
    changes.make('lab', 'edit', edit)
    changes.flush('lab')
    expect(sent.map(change => change.id)).toEqual([sent[0]?.id, sent[0]?.id])
    changes.happened('lab', envelope('edit', { ...edit, sender: ME, seq: 12, message_seq: 3 }))
    changes.flush('lab')
    expect(sent).toHaveLength(2)
  })

  it('that was made while nothing was connected goes with the next entrance to its room', () => {
    isUp = false
    changes.make('lab', 'delete', { message_id: 'm1' })
    isUp = true
    changes.flush('other')
    expect(sent).toEqual([])
    changes.flush('lab')
    expect(sent.map(change => change.code)).toEqual(['delete'])
  })

  it('is not taken for another one of the same kind', () => {
    changes.make('lab', 'reaction', { message_id: 'm1', emoji: '👍', action: 'add' })
    changes.happened('lab', envelope('reaction', { message_id: 'm1', emoji: '🎉', action: 'add' }))
    changes.flush('lab')
    expect(sent).toHaveLength(2)
  })

  it('that was refused is forgotten', () => {
    changes.make('lab', 'edit', edit)
    expect(changes.refused(sent[0]!.id)).toBe(true)
    expect(changes.refused('another')).toBe(false)
    changes.flush('lab')
    expect(sent).toHaveLength(1)
  })

  it('waits as long as the server asks for', () => {
    vi.useFakeTimers()
    changes.make('lab', 'edit', edit)
    changes.retry(sent[0]!.id, 3000)
    vi.advanceTimersByTime(2999)
    expect(sent).toHaveLength(1)
    vi.advanceTimersByTime(1)
    expect(sent).toHaveLength(2)
  })
})
