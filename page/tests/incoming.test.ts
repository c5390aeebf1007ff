import { beforeEach, describe, expect, it, vi } from 'vitest'

import { withStopping } from '../src/answers'
import { Changes } from '../src/changes'
import { receive, type Scene } from '../src/incoming'
import type { Outbox } from '../src/outbox'
import { joined, latestLoaded } from '../src/room'
import { Rooms } from '../src/rooms'
import { approvalData, chatData, envelope, joinData, member, ME, page } from './samples'

describe('an envelope', () => {
  let rooms: Rooms
  let scene: Scene
  let operation: string
  const outbox = { confirmed: vi.fn(), failed: vi.fn(), retry: vi.fn() }
  const lab = () => rooms.get('lab').value
  const take = (code: string, data: object, more = {}) => receive(scene, envelope(code, data, more))

  beforeEach(() => {
    vi.resetAllMocks()
    rooms = new Rooms()
    rooms.update('lab', room => latestLoaded(joined(room, joinData()), page(1, 10)))
    scene = {
      me: ME,
      rooms,
      outbox: outbox as unknown as Outbox,
      changes: new Changes(change => ((operation = change.id), true)),
      isReading: () => true,
      keepsNewest: () => true,
      lostTrack: vi.fn(),
      removed: vi.fn(),
    }
  })

  it('chat_response adds a message, confirms it, and moves the position', () => {
    take('chat_response', chatData(11, { message_id: 'mine', sender: ME }))
    expect(lab().history.messages.at(-1)?.id).toBe('mine')
    expect(outbox.confirmed).toHaveBeenCalledWith('mine')
    expect(lab().lastSeq).toBe(11)
  })

  it.each(['idea_response', 'bom_check_response'])('%s is a message like any other', code => {
    take(code, chatData(11, { message_id: 'answer', sender: 'haitch' }))
    expect(lab().history.messages.at(-1)?.id).toBe('answer')
    take(code, { message: 'An', sender: 'haitch', message_id: 'b', index: 0 }, { status: 'pending' })
    expect(lab().answers).toMatchObject([{ messageId: 'b', text: 'An' }])
  })

  it('historic_response that comes too late to be waited for is none', () => {
    take('historic_response', page(1, 2))
    expect(lab().lastSeq).toBe(10)
  })

  it('notification tells what an assistant does and uses, also before its first piece', () => {
    const tools = [{ name: 'find_part', arguments: '{}', state: 'running' }]
    const about = { code: 'ASSISTANT_STATUS', sender: 'haitch', message_id: 'a' }
    take('notification', { ...about, message: 'searching', tools })
    expect(lab().answers).toMatchObject([{ assistant: 'haitch', text: '', doing: 'searching', tools }])
    take('chat_response', { message: 'The', sender: 'haitch', message_id: 'a', index: 0 }, { status: 'pending' })
    expect(lab().answers).toMatchObject([{ text: 'The', doing: 'searching', tools }])
    take('chat_response', chatData(11, { message_id: 'a', sender: 'haitch' }))
    take('notification', { ...about, message: 'searching', tools })
    expect(lab().answers).toEqual([])
  })

  it('notification tells who waits, until the assistant ends without a word', () => {
    const waiting = [{ message_id: 'm3', sender: 'bo', place: 1 }]
    take('notification', { code: 'ASSISTANT_QUEUE', message: '', sender: 'haitch', waiting })
    expect(lab().queues.get('haitch')).toEqual(waiting)
    take('typing', { status: 'stopped', sender: 'haitch', message_id: 'a', run_id: 'a.1' })
    expect(lab().queues.size).toBe(0)
  })

  it('notification asks for an approval, which stays until its answer is finished', () => {
    const about = { sender: 'haitch', message_id: 'a', message: '' }
    const approval = approvalData()
    take('notification', { ...about, code: 'APPROVAL_ASKED', approval })
    const decided = { ...approval, decision: 'approved', decided_by: 'bo' }
    take('notification', { ...about, code: 'APPROVAL_DECIDED', approval: decided })
    expect(lab().approvals).toMatchObject([{ assistant: 'haitch', decision: 'approved', decidedBy: 'bo' }])
    take('chat_response', chatData(11, { message_id: 'a', sender: 'haitch' }))
    take('notification', { ...about, code: 'APPROVAL_DECIDED', approval: decided })
    expect(lab().approvals).toEqual([])
  })

  it('of a later version moves the position all the same', () => {
    take('pinned', { seq: 11, message_id: 'm3' })
    expect(lab().lastSeq).toBe(11)
  })

  it('edit, delete and reaction change the message that they name, and move the position', () => {
    const third = () => lab().history.messages[2]
    take('reaction', { message_id: 'm3', emoji: '👍', action: 'add', sender: 'bo', seq: 11, message_seq: 3 })
    take('edit', { message_id: 'm3', message: 'better', edited_at: '', sender: 'bo', seq: 12, message_seq: 3 })
    expect(third()).toMatchObject({ text: 'better', isEdited: true, reactions: [{ emoji: '👍', people: ['bo'] }] })
    take('delete', { message_id: 'm3', sender: 'bo', seq: 13, message_seq: 3 })
    expect(third()).toMatchObject({ deleted: true, text: '', reactions: [] })
    expect(lab().lastSeq).toBe(13)
  })

  it('feedback shows what the reader said', () => {
    take('feedback', { message_id: 'm3', rating: 'down', sender: ME })
    expect(lab().ratings.get('m3')).toBe('down')
  })

  it('of an error about a change tells why it was not done', () => {
    scene.changes.make('lab', 'edit', { message_id: 'm3', message: 'better' })
    const error = { code: 'PERMISSION_DENIED', message: 'It is not yours.', message_id: 'm3' }
    take('system', error, { status: 'error', request_id: operation })
    expect(lab().notice).toContain('It is not yours.')
    expect(scene.changes.has(operation)).toBe(false)
    expect(outbox.failed).not.toHaveBeenCalled()
  })

  it('typing of oneself, from another device, is nothing to show', () => {
    take('typing', { status: 'started', sender: ME })
    take('typing', { status: 'started', sender: 'bo' })
    expect([...lab().typing]).toEqual(['bo'])
  })

  it('presence counts everywhere, or in the room that it names', () => {
    take('presence', { status: 'away', sender: 'bo' }, { room_id: undefined })
    expect(lab().members.get('bo')?.presence).toBe('away')
  })

  it('join and leave of others change the members', () => {
    take('join', { member: member('cy'), member_count: 4 }, { user_id: 'cy' })
    expect([lab().members.has('cy'), lab().memberCount]).toEqual([true, 4])
    take('leave', { member_count: 3 }, { user_id: 'cy' })
    expect([lab().members.has('cy'), lab().memberCount]).toEqual([false, 3])
  })

  it('leave of oneself ends the room', () => {
    take('leave', { member_count: 2 }, { user_id: ME })
    expect(scene.removed).toHaveBeenCalledWith('lab')
  })

  it('GENERATION_CHANGED goes on where nothing is lost', () => {
    const before = lab().lastSeq
    take('system', { code: 'GENERATION_CHANGED', generation: 'g2', last_seq: 400, continuous: true })
    expect(scene.lostTrack).not.toHaveBeenCalled()
    expect([lab().generation, lab().lastSeq]).toEqual(['g2', before])
  })

  it.each([
    ['GENERATION_CHANGED', 'rewound'],
    ['GAP', 'trimmed'],
  ])('%s of what is lost asks what has become of the room', (code, reason) => {
    const before = lab()
    take('system', { code, generation: 'g2', last_seq: 400, gap: true, reason })
    expect(scene.lostTrack).toHaveBeenCalledWith('lab')
    expect([lab().generation, lab().lastSeq]).toEqual([before.generation, before.lastSeq])
  })

  it('of an error fails the message that it is about, or tries again where that helps', () => {
    take('system', { code: 'PERMISSION_DENIED', message: 'no', message_id: 'a' }, { status: 'error' })
    expect(outbox.failed).toHaveBeenCalledWith('a', 'no')
    take(
      'system',
      { code: 'RATE_LIMITED', message: 'slow', message_id: 'b', retry_after: 3 },
      { status: 'error' },
    )
    expect(outbox.retry).toHaveBeenCalledWith('b', 3000)
  })

  it('pending is waited for, or sent again where the server no longer asks', () => {
    take('system', { code: 'UNCONFIRMED', message: '', message_id: 'a' }, { status: 'pending' })
    expect(outbox.retry).not.toHaveBeenCalled()
    take('system', { code: 'UNCONFIRMED', message_id: 'a', retry_after: 2 }, { status: 'pending' })
    expect(outbox.retry).toHaveBeenCalledWith('a', 2000)
  })

  it('of an error about a wish to stop lets one ask again', () => {
    take('typing', { status: 'started', sender: 'haitch', message_id: 'a', run_id: 'a.1' })
    rooms.update('lab', room => ({ ...room, answers: withStopping(room.answers, 'a') }))
    take(
      'system',
      { code: 'NOT_FOUND', message: 'no', request_code: 'stop' },
      { status: 'error', room_id: undefined },
    )
    expect(lab().answers).toMatchObject([{ messageId: 'a', stopping: false }])
  })

  it.each(['stop', 'regenerate'])('of an error about %s tells why it was not done', code => {
    const error = { code: 'PERMISSION_DENIED', message: 'Only Bo may.', request_code: code, message_id: 'm3' }
    take('system', error, { status: 'error' })
    expect(lab().notice).toBe('That was not done. Only Bo may.')
    expect(outbox.failed).not.toHaveBeenCalled()
  })

  it('of a wish to stop what has ended meanwhile says nothing', () => {
    take('system', { code: 'NOT_FOUND', message: 'no', request_code: 'stop' }, { status: 'error' })
    expect(lab().notice).toBeNull()
  })

  it('that is not confirmed yet changes nothing', () => {
    take('system', { code: 'UNCONFIRMED', message: '', message_id: 'a' }, { status: 'pending' })
    expect(outbox.failed).not.toHaveBeenCalled()
  })

  it('of a room that was left is ignored', () => {
    take('chat_response', chatData(1), { room_id: 'gone' })
    expect(rooms.ids()).toEqual(['lab'])
  })
})
