/** Answers that assistants are writing at this moment, in the order in which they began. */

import type { PieceData, TypingData } from './protocol'

export interface Answer {
  messageId: string
  assistant: string
  text: string
  replyTo: string | null
  /** The reader asked for it to stop; it goes on until the server says so. */
  stopping: boolean
}

/** An assistant began to work on an answer, or said that it is still at it. */
export function withBegun(
  answers: readonly Answer[],
  { sender, message_id: messageId }: TypingData,
): readonly Answer[] {
  if (!messageId || answers.some(answer => answer.messageId === messageId)) return answers
  return [...answers, { messageId, assistant: sender, text: '', replyTo: null, stopping: false }]
}

/** Piece 0 starts the text anew, also after another worker took over; any other is appended. */
export function withPiece(answers: readonly Answer[], piece: PieceData): readonly Answer[] {
  const known = answers.find(answer => answer.messageId === piece.message_id)
  if (!known && piece.index > 0) return answers // The first piece is still to come, by its own rule.
  const answer: Answer = {
    messageId: piece.message_id,
    assistant: piece.sender,
    text: piece.index === 0 ? piece.message : (known?.text ?? '') + piece.message,
    replyTo: piece.reply_to ?? known?.replyTo ?? null,
    stopping: known?.stopping ?? false,
  }
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
