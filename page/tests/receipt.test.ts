import { describe, expect, it } from 'vitest'

import { argumentsInLines, plainly, receiptInALine, toolsInWords } from '../src/receipt'

const tool = (name: string, state: 'running' | 'done') => ({ name, arguments: '{}', state })
const file = { file_id: 'f', name: 'lid.pdf' }

describe('a receipt', () => {
  it('says in a line what was read and used', () => {
    const context = { from_seq: 3, to_seq: 40, files_read: [file, file], files_skipped: [file] }
    expect(
      receiptInALine({
        state: 'done',
        context,
        tools: [tool('a', 'done')],
        model: 'm',
        usage: { prompt_tokens: 1000, completion_tokens: 204 },
      }),
    ).toBe('Read messages 3 to 40 and 2 files · 1 file not read · used 1 tool · m · 1,204 tokens')
  })

  it('says which number is an estimate', () => {
    const usage = { prompt_tokens: 1000, completion_tokens: 204 }
    expect(receiptInALine({ state: 'stopped', usage, usage_estimated: true })).toBe('About 1,204 tokens')
  })

  it('counts what was asked of people', () => {
    const approvals = [{ action: 'Order', arguments: '{}', decision: 'denied' as const, decided_by: 'bo' }]
    expect(receiptInALine({ state: 'done', approvals })).toBe('Asked for 1 approval')
  })

  it('says only what is told', () => {
    expect(receiptInALine({ state: 'done' })).toBe('')
    expect(receiptInALine({ state: 'done', context: {}, usage: {} })).toBe('')
    expect(receiptInALine({ state: 'done', context: { files_skipped: [file] } })).toBe('1 file not read')
  })

  it('names the tools in hand', () => {
    expect(toolsInWords([tool('a', 'done'), tool('b', 'running')])).toBe('Using b')
    expect(toolsInWords([tool('a', 'done'), tool('b', 'done')])).toBe('Used 2 tools')
  })

  it('shows arguments as lines, and as they are where they were cut', () => {
    expect(argumentsInLines('{"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}')
    expect(argumentsInLines('{"a": "long')).toBe('{"a": "long')
  })

  it('hides nothing in what is decided on', () => {
    expect(plainly('pay \u202e01\u202c to b\u200bo')).toBe('pay \\u202e01\\u202c to b\\u200bo')
    expect(argumentsInLines('{"to": "\u202eob"}')).toContain('\\u202eob')
  })
})
