import { render } from 'preact-render-to-string'
import { describe, expect, it } from 'vitest'

import { Decisions } from '../src/components/Decisions'
import { Markdown } from '../src/components/Markdown'
import { isToldByFields, RequestFields } from '../src/components/RequestFields'
import { nameFromId, newMessageId, roomIdFromName, userIdFromName } from '../src/ids'
import { mentionedIn, splitMentions } from '../src/mention'
import type { DecidedData } from '../src/protocol'
import { parseRoute, roomPath } from '../src/router'
import { dayName, fileSize, minutesLeft } from '../src/time'

const known = (id: string) => ['haitch', 'bo.lee'].find(each => each === id.toLowerCase())
const html = (source: string) => render(<Markdown source={source} known={known} />)
describe('Markdown', () => {
  it('shows markup that people use', () => {
    expect(html('**a** _b_ `c`\n\n- d\n\n> e')).toContain('<strong>a</strong> <em>b</em> <code>c</code>')
    expect(html('```ts\nlet x = 1 < 2\n```')).toContain('<code>let x = 1 &lt; 2</code>')
    expect(html('|a|b|\n|-|-|\n|1|2|')).toContain('<td>1</td>')
    expect(html('3. x')).toContain('<ol start="3">')
  })

  it.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '![x](https://example.org/tracker.png)',
    '[x](javascript:alert(1))',
    '[x](JAVASCRIPT:alert(1))',
    '[x](data:text/html,hi)',
    '[x](//example.org)',
    '<javascript:alert(1)>',
  ])('shows %s as text', source => {
    const shown = html(source)
    expect(shown).not.toMatch(/<(script|img|a)[\s>]/)
    expect(shown.length).toBeGreaterThan('<div class="markdown"></div>'.length)
  })

  it('opens links elsewhere, telling them nothing', () => {
    expect(html('https://example.org/a?b=1&c=2')).toContain(
      '<a href="https://example.org/a?b=1&amp;c=2" target="_blank" rel="noopener noreferrer">',
    )
  })

  it('marks mentions of members, but not in code', () => {
    expect(html('@Haitch, and @stranger')).toContain('<span class="mention">@Haitch</span>, and @stranger')
    expect(html('`@haitch`')).toBe('<div class="markdown"><p><code>@haitch</code></p></div>')
  })

  it('leads to the messages that an assistant cites, and takes no brackets of people for it', () => {
    const cited = (source: string) => render(<Markdown source={source} known={known} onCite={() => {}} />)
    const shown = cited('- thick [#12][#7]\n- `[#1]` [#x] [#3](https://example.org)')
    expect([...shown.matchAll(/aria-label="Message (\d+)"/g)].map(match => match[1])).toEqual(['12', '7'])
    expect(shown).toContain('<code>[#1]</code> [#x] <a href="https://example.org"')
    expect(html('as [#12] says')).not.toContain('<button')
  })

  it('stands half-written text, as pieces of an answer bring it', () => {
    const whole = '# T\n\n1. **a\n\n```py\nx = 1\n```\n\n| a |\n|-|\n| [b](http://c) |'
    for (let end = 0; end <= whole.length; end++) expect(() => html(whole.slice(0, end))).not.toThrow()
  })
})

describe('a request', () => {
  it('shows its fields, but not the words of the message again', () => {
    const fields = { doc_type: 'prd', source_urls: ['https://a.example', 'https://b.example'], empty: '' }
    const request = { code: 'documentation', assistant: 'haitch', query: 'Write it', ...fields }
    const shown = render(<RequestFields request={request} text="Write it" />)
    expect(shown).toContain('<span class="badge">Documentation</span>')
    expect(shown).toContain('<dt>Doc type</dt><dd>prd</dd>')
    expect(shown).toContain('<dd>https://a.example, https://b.example</dd>')
    expect(shown).not.toMatch(/Write it|haitch|Empty/)
  })

  it('without a query is told by its fields, which are not shown twice', () => {
    const request = { code: 'bom_check', assistant: 'bom', part: 'A-7', count: 4 }
    expect(isToldByFields(request, 'bom_check:\npart: A-7\ncount: 4')).toBe(true)
    expect(isToldByFields(request, 'bom_check: is part: A-7 there?')).toBe(false)
    expect(isToldByFields({ code: 'ping_all', assistant: 'bom' }, 'ping_all:')).toBe(true)
    expect(isToldByFields({ code: 'ping_all', assistant: 'bom' }, 'ping_all: now')).toBe(false)
  })

  it('that is a command shows nothing besides its text', () => {
    expect(render(<RequestFields request={{ code: '/summary', assistant: 'scribe' }} text="/summary" />)).toBe('')
  })
})

describe('an approval on a finished answer', () => {
  it('says what was asked and who answered, and hides nothing', () => {
    const people = { name: (id: string) => id.toUpperCase() }
    const decided: DecidedData[] = [
      { action: 'Order 40\u202e', arguments: '{"part":"B"}', decision: 'approved', decided_by: 'bo' },
      { action: 'Pay', arguments: '{}', decision: 'expired' },
    ]
    const shown = render(<Decisions decided={decided} people={people} />)
    expect(shown).toContain('Order 40\\u202e')
    expect(shown).toContain('Approved by BO.')
    expect(shown).toContain('Nobody decided in time.')
    expect(shown.match(/<pre>/g)).toHaveLength(1)
  })
})

describe('mentions', () => {
  it('are found among other text, without the end of the sentence', () => {
    expect(splitMentions('hi @bo.lee.', known)).toEqual([
      { text: 'hi ', mention: null },
      { text: '@bo.lee', mention: 'bo.lee' },
      { text: '.', mention: null },
    ])
    expect(splitMentions('x@haitch', known)).toEqual([{ text: 'x@haitch', mention: null }])
  })

  it('count in any case, and not in code', () => {
    const found = (text: string) => mentionedIn(text, ['haitch', 'scribe'])
    expect(found('@Scribe, and (@haitch)')).toEqual(['haitch', 'scribe'])
    expect(found('`@haitch` ```\n@scribe')).toEqual([])
    expect(found('mail@haitch @haitchling')).toEqual([])
  })
})

describe('ids', () => {
  const VALID = /^[A-Za-z0-9_.:@-]{1,128}$/

  it.each([
    ['Ana Moreira', 'ana-moreira'],
    [' Zoë  Müller ', 'zoe-muller'],
    ['d.j. o’neil', 'd.j.-o-neil'],
  ])('make %s into %s', (name, id) => expect(userIdFromName(name)).toBe(id))

  it('are stable and valid for names in any script, and empty for none', () => {
    expect(userIdFromName('李雷')).toMatch(VALID)
    expect(userIdFromName('李雷')).toBe(userIdFromName(' 李雷 '))
    expect(userIdFromName('李雷')).not.toBe(userIdFromName('韩梅梅'))
    expect(userIdFromName('x'.repeat(500))).toMatch(VALID)
    expect(userIdFromName('  ')).toBe('')
    expect(roomIdFromName('#Design review')).toBe('design-review')
    expect(newMessageId()).toMatch(VALID)
    expect(newMessageId()).not.toBe(newMessageId())
  })

  it('turn into something to call a person', () => {
    expect(nameFromId('ana-moreira')).toBe('Ana Moreira')
    expect(nameFromId('---')).toBe('---')
  })
})

describe('addresses', () => {
  it('lead to rooms and messages, and back', () => {
    expect(parseRoute('/r/a%3Ab', '?m=msg_1')).toEqual({ page: 'room', roomId: 'a:b', messageId: 'msg_1' })
    expect(roomPath('a:b', 'msg_1')).toBe('/r/a%3Ab?m=msg_1')
    expect(parseRoute('/invite/xyz', '')).toEqual({ page: 'invitation', code: 'xyz' })
  })

  it.each(['/', '/r/', '/r/a/b', '/r/%E0%A4%A', '/other'])('%s leads home', path => {
    expect(parseRoute(path, '')).toEqual({ page: 'home' })
  })
})

describe('words for numbers', () => {
  it('name days', () => {
    const now = new Date(2026, 5, 10, 12).getTime()
    const at = (month: number, day: number) => dayName(new Date(2026, month, day, 9).getTime(), now)
    expect([at(5, 10), at(5, 9)]).toEqual(['Today', 'Yesterday'])
    expect(at(5, 1)).toMatch(/June/)
    expect(dayName(new Date(2024, 0, 2).getTime(), now)).toMatch(/2024/)
  })

  it('count minutes down', () => {
    expect([300_000, 59_001, 1].map(minutesLeft)).toEqual(['5:00', '1:00', '0:01'])
  })

  it('name sizes', () => {
    expect([0, 999, 1536, 150_000, 104_857_600].map(fileSize)).toEqual([
      '0 B',
      '999 B',
      '1.5 KB',
      '146 KB',
      '100 MB',
    ])
  })
})
