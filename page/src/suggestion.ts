/** What the page suggests while a word is typed: who `@...` may mean, and what `/...` may do. */

import type { AssistantProfile, CommandData } from './protocol'
import type { Member } from './room'

/** A word that is being typed: from `start` (its sign) to the caret. */
export interface Query {
  sign: '@' | '/'
  start: number
  /** Without the sign. */
  text: string
}

export type Suggestion =
  | { kind: 'member'; word: string; member: Member }
  /** An assistant that could be added to the room. */
  | { kind: 'absent'; word: string; assistant: AssistantProfile }
  | { kind: 'command'; word: string; command: CommandData }

const MENTION = /(?:^|[\s([{"'])@([A-Za-z0-9_.:-]*)$/
/** Only the first word of a message is a command. */
const COMMAND = /^\/([A-Za-z0-9_-]*)$/
const MOST = 8

export function queryAt(text: string, caret: number): Query | null {
  const typed = text.slice(0, caret)
  const command = COMMAND.exec(typed)
  if (command) return { sign: '/', start: 0, text: command[1]! }
  const mention = MENTION.exec(typed)
  return mention ? { sign: '@', start: caret - mention[1]!.length - 1, text: mention[1]! } : null
}

/**
 * Members whose id or name (any word of it) begins with the query: assistants first, then who is online; after them
 * assistants that are not in the room.
 */
export function whoFits(
  query: string,
  members: Iterable<Member>,
  absent: readonly AssistantProfile[],
  me: string,
): Suggestion[] {
  const wanted = query.toLowerCase()
  const fits = ({ id, name }: { id: string; name: string }) =>
    [id, ...name.split(/\s+/)].some(word => word.toLowerCase().startsWith(wanted))
  const present = [...members]
    .filter(member => member.id !== me && fits(member))
    .toSorted((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name))
    .map((member): Suggestion => ({ kind: 'member', word: `@${member.id}`, member }))
  const others = absent
    .filter(each => !each.broken && fits(each))
    .map((assistant): Suggestion => ({ kind: 'absent', word: `@${assistant.id}`, assistant }))
  return [...present, ...others].slice(0, MOST)
}

function rank(member: Member): number {
  if (member.kind === 'assistant') return 0
  return member.presence === 'offline' ? 2 : 1
}

/** Commands that begin with the query; none where it is one already, so that Enter sends it. */
export function whatFits(query: string, commands: readonly CommandData[]): Suggestion[] {
  const wanted = query.toLowerCase()
  const fitting = commands.filter(each => each.name.toLowerCase().startsWith(wanted))
  if (fitting.length === 1 && fitting[0]!.name.toLowerCase() === wanted) return []
  return fitting
    .slice(0, MOST)
    .map(command => ({ kind: 'command', word: `/${command.name}`, command }))
}

/** The command that a text begins with. */
export function commandOf(text: string, commands: readonly CommandData[]): CommandData | undefined {
  const name = /^\/(\S+)/.exec(text)?.[1]?.toLowerCase()
  return commands.find(each => each.name.toLowerCase() === name)
}

/** The text with the query replaced by the whole word, and where the caret goes. */
export function completed(text: string, query: Query, word: string): { text: string; caret: number } {
  const rest = text.slice(query.start + query.sign.length + query.text.length)
  const isFollowed = rest.startsWith(' ')
  const whole = isFollowed ? word : `${word} `
  return {
    text: text.slice(0, query.start) + whole + rest,
    caret: query.start + whole.length + (isFollowed ? 1 : 0),
  }
}
