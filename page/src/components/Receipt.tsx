import type { ComponentChildren } from 'preact'

import type { AnswerContextData, AnswerData, FileNoteData } from '../protocol'
import { messagesInWords, receiptInALine } from '../receipt'
import { Decisions } from './Decisions'
import type { People } from './people'
import { ToolCalls } from './ToolCalls'

interface Props {
  people: People
  answer: AnswerData
  onShow(messageId: string): void
  onShowSeq(seq: number): void
}

/** What an assistant read and used for a finished answer: a line, and all of it for who wants to know. */
export function Receipt({ people, answer, onShow, onShowSeq }: Props) {
  const { approvals = [], context, model, regenerates, reference, tools = [], usage, usage_estimated } = answer
  const line = receiptInALine(answer)
  if (!line && !regenerates && !reference) return null
  return (
    <details class="receipt">
      <summary>{line || 'About this answer'}</summary>
      <dl>
        {regenerates && (
          <Entry term="Asked again">
            in place of{' '}
            <button type="button" class="link" onClick={() => onShow(regenerates)}>
              an earlier answer
            </button>
          </Entry>
        )}
        {context && <Read context={context} onShowSeq={onShowSeq} />}
        {model && <Entry term="Model">{model}</Entry>}
        {usage && <Tokens usage={usage} estimated={usage_estimated === true} />}
        {reference && (
          <Entry term="Reference">
            <code>{reference}</code> in the operator’s log
          </Entry>
        )}
      </dl>
      {approvals.length > 0 && <Decisions decided={approvals} people={people} />}
      {tools.length > 0 && <ToolCalls tools={tools} />}
    </details>
  )
}

function Read({ context, onShowSeq }: { context: AnswerContextData; onShowSeq(seq: number): void }) {
  const { from_seq: from, to_seq: to, files_read: read = [], files_skipped: skipped = [], cut } = context
  return (
    <>
      {from !== undefined && to !== undefined && (
        <Entry term="Read">
          <button type="button" class="link" onClick={() => onShowSeq(from)}>
            {messagesInWords(from, to)}
          </button>
        </Entry>
      )}
      {read.length > 0 && (
        <Entry term="Files read">
          <Files notes={read} />
        </Entry>
      )}
      {skipped.length > 0 && (
        <Entry term="Not read">
          <Files notes={skipped} />
        </Entry>
      )}
      {cut && <Entry term="Left out">older messages, or the end of a file</Entry>}
    </>
  )
}

function Files({ notes }: { notes: readonly FileNoteData[] }) {
  return (
    <ul>
      {notes.map(note => (
        <li key={note.file_id}>
          {note.name}
          {note.reason && <span class="faded">: {note.reason}</span>}
        </li>
      ))}
    </ul>
  )
}

function Tokens({ usage, estimated }: { usage: Record<string, number>; estimated: boolean }) {
  const { prompt_tokens: prompt, completion_tokens: completion } = usage
  if (prompt === undefined || completion === undefined) return null
  return (
    <Entry term="Tokens">
      {estimated && 'about '}
      {prompt.toLocaleString('en')} read, {completion.toLocaleString('en')} written
    </Entry>
  )
}

function Entry({ term, children }: { term: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </div>
  )
}
