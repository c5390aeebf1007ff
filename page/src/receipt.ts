/** What an answer tells of itself, in words. */

import type { AnswerContextData, AnswerData, ToolCallData } from './protocol'

/** In a line: what was read and used, by which model, for how many tokens; empty where nothing is told. */
export function receiptInALine(answer: AnswerData): string {
  const { context, tools = [], approvals = [], model, usage, usage_estimated } = answer
  const parts = [
    context && readInWords(context),
    tools.length > 0 && `used ${counted(tools.length, 'tool')}`,
    approvals.length > 0 && `asked for ${counted(approvals.length, 'approval')}`,
    model,
    usage && tokensInWords(usage, usage_estimated),
  ]
  return sentence(parts.filter(Boolean).join(' · '))
}

function readInWords({ from_seq, to_seq, files_read = [], files_skipped = [] }: AnswerContextData): string {
  const read = [
    from_seq !== undefined && to_seq !== undefined && messagesInWords(from_seq, to_seq),
    files_read.length > 0 && counted(files_read.length, 'file'),
  ].filter(Boolean)
  const parts = [
    read.length > 0 && `read ${read.join(' and ')}`,
    files_skipped.length > 0 && `${counted(files_skipped.length, 'file')} not read`,
  ]
  return parts.filter(Boolean).join(' · ')
}

/** "message 12", "messages 3 to 40", by their places in the room. */
export function messagesInWords(from: number, to: number): string {
  return from === to ? `message ${from}` : `messages ${from} to ${to}`
}

/** The whole where the model's server tells it, else its two parts; "about" where nobody counted them all. */
export function tokensInWords(usage: Record<string, number>, estimated = false): string {
  const { prompt_tokens: prompt = 0, completion_tokens: completion = 0 } = usage
  const total = usage['total_tokens'] ?? prompt + completion
  return total > 0 ? `${estimated ? 'about ' : ''}${counted(total, 'token')}` : ''
}

/** What is in hand, for as long as something is. */
export function toolsInWords(tools: readonly ToolCallData[]): string {
  const running = tools.filter(tool => tool.state === 'running').map(tool => tool.name)
  return running.length > 0 ? `Using ${running.join(', ')}` : `Used ${counted(tools.length, 'tool')}`
}

/** JSON with its parts on lines of their own; as it is where it was cut. */
export function argumentsInLines(json: string): string {
  try {
    return plainly(JSON.stringify(JSON.parse(json), null, 2))
  } catch {
    return plainly(json)
  }
}

/** Signs that show nothing or turn the direction of what follows: with them a text can look like another one. */
const HIDDEN = /[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g

/** Text that people decide on, with what it hides written out. */
export function plainly(text: string): string {
  return text.replaceAll(HIDDEN, sign => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function counted(count: number, what: string): string {
  return `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1)
}
