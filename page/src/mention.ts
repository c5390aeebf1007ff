/** Mentions: `@id` at a word boundary, as the server reads them. */

const SAID = /(^|[^A-Za-z0-9_.:@-])@([A-Za-z0-9_.:@-]*[A-Za-z0-9_])/g
/** Fenced blocks (to their end, or the text's) and code spans, as the server tells them from speech. */
const CODE = /```[\s\S]*?(?:```|$)|~~~[\s\S]*?(?:~~~|$)|(?<!`)(`{1,2})(?!`)[^\n]*?(?<!`)\1(?!`)/g

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

/** Those among `ids` that Markdown text mentions, outside its code. */
export function mentionedIn(text: string, ids: readonly string[]): string[] {
  const byFolded = new Map(ids.map(id => [id.toLowerCase(), id]))
  const parts = splitMentions(text.replaceAll(CODE, ' '), id => byFolded.get(id.toLowerCase()))
  const said = new Set(parts.map(part => part.mention))
  return ids.filter(id => said.has(id))
}
