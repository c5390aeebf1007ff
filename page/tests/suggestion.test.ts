import { describe, expect, it } from 'vitest'

import { commandOf, completed, queryAt, whatFits, whoFits } from '../src/suggestion'
import type { Member } from '../src/room'

const person = (id: string, more: Partial<Member> = {}): Member => ({
  id,
  name: id,
  kind: 'human',
  presence: 'online',
  readSeq: 0,
  ...more,
})
const command = (name: string) => ({ name, description: `Does ${name}.` })
const COMMANDS = ['actions', 'decisions', 'summary'].map(command)

describe('a word that is typed', () => {
  it('is a mention at a word boundary', () => {
    expect(queryAt('ask @ha', 7)).toEqual({ sign: '@', start: 4, text: 'ha' })
    expect(queryAt('@', 1)).toEqual({ sign: '@', start: 0, text: '' })
    expect(queryAt('mail@ha', 7)).toBeNull()
    expect(queryAt('@haitch x', 9)).toBeNull()
  })

  it('is a command only where the message begins', () => {
    expect(queryAt('/su', 3)).toEqual({ sign: '/', start: 0, text: 'su' })
    expect(queryAt('and/or', 6)).toBeNull()
    expect(queryAt(' /su', 4)).toBeNull()
    expect(queryAt('/summary of', 11)).toBeNull()
    expect(queryAt('/tmp/x', 6)).toBeNull()
  })

  it('is replaced, with the caret behind it', () => {
    const mention = { sign: '@', start: 4, text: 'ha' } as const
    expect(completed('ask @ha now', mention, '@haitch')).toEqual({ text: 'ask @haitch now', caret: 12 })
    expect(completed('/su', { sign: '/', start: 0, text: 'su' }, '/summary')).toEqual({
      text: '/summary ',
      caret: 9,
    })
  })
})

describe('suggestions', () => {
  const words = (list: ReturnType<typeof whoFits>) => list.map(each => each.word)

  it('are assistants first, then who is there, by id or any part of the name', () => {
    const members = [
      person('hal', { presence: 'offline' }),
      person('bo', { name: 'Bo Hansen' }),
      person('haitch', { kind: 'assistant' }),
      person('ana'),
    ]
    expect(words(whoFits('ha', members, [], 'ana'))).toEqual(['@haitch', '@bo', '@hal'])
  })

  it('name assistants last that the room does not have, and none that can not be used', () => {
    const absent = [
      { id: 'scribe', name: 'Scribe', description: '' },
      { id: 'scout', name: 'Scout', description: '', broken: 'Its settings are wrong.' },
    ]
    expect(words(whoFits('sc', [person('scarlet')], absent, 'ana'))).toEqual(['@scarlet', '@scribe'])
  })

  it('are commands that begin so, until one stands there whole', () => {
    expect(words(whatFits('', COMMANDS))).toEqual(['/actions', '/decisions', '/summary'])
    expect(words(whatFits('SU', COMMANDS))).toEqual(['/summary'])
    expect(whatFits('summary', COMMANDS)).toEqual([])
    expect(words(whatFits('action', [...COMMANDS, command('action')]))).toEqual(['/actions', '/action'])
  })

  it('are followed by what the command does', () => {
    expect(commandOf('/Summary since Monday', COMMANDS)?.name).toBe('summary')
    expect(commandOf('a /summary', COMMANDS)).toBeUndefined()
    expect(commandOf('/sum', COMMANDS)).toBeUndefined()
  })
})
