/** Answers that assistants are writing at this moment, in the order in which they began. */

import type { NotificationData, PieceData, ToolCallData, TypingData } from './protocol'

export interface Answer {
  messageId: string
  assistant: string
  text: string
  replyTo: string | null
  /** What the assistant says that it does; empty where it says nothing. */
  doing: string
  /** What it has used so far. */
  tools: readonly ToolCallData[]
  /** The reader asked for it to stop; it goes on until the server says so. */
  stopping: boolean
}

/** An assistant began to work on an answer, or said that it is still at it. */
export function withBegun(
  answers: readonly Answer[],
  { sender, message_id: messageId }: TypingData,
): readonly Answer[] {
  if (!messageId || answers.some(answer => answer.messageId === messageId)) return answers
  return [...answers, begun(messageId, sender)]
}

function begun(messageId: string, assistant: string): Answer {
  return { messageId, assistant, text: '', replyTo: null, doing: '', tools: [], stopping: false }
}

/** Piece 0 starts the text anew, also after another worker took over; any other is appended. */
export function withPiece(answers: readonly Answer[], piece: PieceData): readonly Answer[] {
  const known = answers.find(answer => answer.messageId === piece.message_id)
  if (!known && piece.index > 0) return answers // The first piece is still to come, by its own rule.
  const before = known ?? begun(piece.message_id, piece.sender)
  const answer: Answer = {
    ...before,
    text: piece.index === 0 ? piece.message : before.text + piece.message,
    replyTo: piece.reply_to ?? before.replyTo,
  }
  return known ? answers.map(each => (each === known ? answer : each)) : [...answers, answer]
}

/** What an assistant does for its answer, perhaps before anything else is heard of it. */
export function withDoing(answers: readonly Answer[], said: NotificationData): readonly Answer[] {
  const { message_id: id, sender, message, tools = [], reply_to: replyTo } = said
  if (!id) return answers
  const known = answers.find(answer => answer.messageId === id)
  const before = known ?? begun(id, sender)
  const answer: Answer = { ...before, doing: message, tools, replyTo: replyTo ?? before.replyTo }
  return known ? answers.map(each => (each === known ? answer : each)) : [...answers, answer]
}

export function withStopping(answers: readonly Answer[], messageId: string): readonly Answer[] {
  return answers.map(answer => (answer.messageId === messageId ? { ...answer, stopping: true } : answer))
}

/** The server did not take the wish to stop: one may ask again. */
export function withoutStopping(answers: readonly Answer[]): readonly Answer[] {
  return answers.map(answer => (answer.stopping ? { ...answer, stopping: false } : answer))
}

export function withoutAnswer(answers: readonly Answer[], messageId: string): readonly Answer[] {
  return answers.some(answer => answer.messageId === messageId)
    ? answers.filter(answer => answer.messageId !== messageId)
    : answers
}
