/** Mentions: `@id` at a word boundary, as the server reads them. */

import type { Member } from './room'

/** A mention that is being typed: from `start` (the `@`) to the caret. */
export interface MentionQuery {
  start: number
  text: string
}

const TYPED = /(?:^|[\s([{"'])@([A-Za-z0-9_.:-]*)$/
const SAID = /(^|[^A-Za-z0-9_.:@-])@([A-Za-z0-9_.:@-]*[A-Za-z0-9_])/g
const MOST_SUGGESTIONS = 8

export function mentionAt(text: string, caret: number): MentionQuery | null {
  const match = TYPED.exec(text.slice(0, caret))
  return match ? { start: caret - match[1]!.length - 1, text: match[1]! } : null
}

/** Members whose id or name (any word of it) begins with the query: assistants first, then who is online. */
export function suggestions(members: Iterable<Member>, query: string, me: string): Member[] {
  const wanted = query.toLowerCase()
  const fits = (member: Member) =>
    [member.id, ...member.name.split(/\s+/)].some(word => word.toLowerCase().startsWith(wanted))
  return [...members]
    .filter(member => member.id !== me && fits(member))
    .toSorted((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name))
    .slice(0, MOST_SUGGESTIONS)
}

function rank(member: Member): number {
  if (member.kind === 'assistant') return 0
  return member.presence === 'offline' ? 2 : 1
}

/** The text with the query replaced by the whole mention, and where the caret goes. */
export function completed(text: string, query: MentionQuery, id: string): { text: string; caret: number } {
  const end = query.start + 1 + query.text.length
  const rest = text.slice(end)
  const mention = `@${id}${rest.startsWith(' ') ? '' : ' '}`
  return {
    text: text.slice(0, query.start) + mention + rest,
    caret: query.start + mention.length + (rest.startsWith(' ') ? 1 : 0),
  }
}

export type TextPart = { text: string; mention: string | null }

/** Splits plain text at its mentions of known ids; `known` answers the id as it is written, any case. */
export function splitMentions(text: string, known: (id: string) => string | undefined): TextPart[] {
  const parts: TextPart[] = []
  let end = 0
  for (const match of text.matchAll(SAID)) {
    const id = known(match[2]!)
    if (id === undefined) continue
    const start = match.index + match[1]!.length
    if (start > end) parts.push({ text: text.slice(end, start), mention: null })
    end = match.index + match[0].length
    parts.push({ text: text.slice(start, end), mention: id })
  }
  if (end < text.length) parts.push({ text: text.slice(end), mention: null })
  return parts
}
