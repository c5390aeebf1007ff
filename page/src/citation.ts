/** Citations: `[#12]` in an assistant's answer names the message with that seq of the same room. */

const CITED = /\[#(\d{1,15})\]/g

export type CitedPart = { text: string; seq: number | null }

export function splitCitations(text: string): CitedPart[] {
  const parts: CitedPart[] = []
  let end = 0
  for (const match of text.matchAll(CITED)) {
    if (match.index > end) parts.push({ text: text.slice(end, match.index), seq: null })
    end = match.index + match[0].length
    parts.push({ text: match[0], seq: Number(match[1]) })
  }
  if (end < text.length) parts.push({ text: text.slice(end), seq: null })
  return parts
}
