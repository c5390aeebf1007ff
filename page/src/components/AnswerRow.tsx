import type { Answer } from '../answers'
import { toolsInWords } from '../receipt'
import type { Room } from '../room'
import { AssistantBadge, Avatar } from './Avatar'
import { useDesk } from './context'
import { Icon } from './Icon'
import { Markdown } from './Markdown'
import type { People } from './people'
import { Quote } from './Quote'
import { ToolCalls } from './ToolCalls'
import { useFocusReturn } from './useFocusReturn'

interface Props {
  room: Room
  people: People
  answer: Answer
  onShow(messageId: string): void
  onShowSeq(seq: number): void
}

/** An answer while it is written. Not in the log: a screen reader hears it once, when it is finished. */
export function AnswerRow({ room, people, answer, onShow, onShowSeq }: Props) {
  const { chat } = useDesk()
  const name = people.name(answer.assistant)
  const { messages } = room.history
  const quotes = answer.replyTo === messages.at(-1)?.id ? null : answer.replyTo
  const quoted = messages.find(message => message.id === quotes)
  return (
    <div class="message starts-run is-assistant is-growing" data-row={`answer-${answer.messageId}`}>
      <Avatar id={answer.assistant} name={name} kind="assistant" />
      <div class="message-body">
        <p class="byline">
          <strong>{name}</strong> <AssistantBadge />{' '}
          <span class="time">{answer.text ? 'answering' : 'thinking'}</span>
        </p>
        {quotes && <Quote people={people} messageId={quotes} message={quoted} onShow={onShow} />}
        {answer.text && <Markdown source={answer.text} known={people.known} onCite={onShowSeq} />}
        {answer.doing ? (
          <p class="doing">
            <span class="spinner" aria-hidden="true" /> {answer.doing}
          </p>
        ) : (
          !answer.text && <Dots />
        )}
        {answer.tools.length > 0 && (
          <details class="receipt">
            <summary>{toolsInWords(answer.tools)}</summary>
            <ToolCalls tools={answer.tools} />
          </details>
        )}
        <StopButton
          name={name}
          isStopping={answer.stopping}
          onStop={() => chat.stopAnswer(room.id, answer.messageId)}
        />
      </div>
    </div>
  )
}

function Dots() {
  return (
    <p class="dots" aria-hidden="true">
      <i />
      <i />
      <i />
    </p>
  )
}

function StopButton({ name, isStopping, onStop }: { name: string; isStopping: boolean; onStop(): void }) {
  const button = useFocusReturn<HTMLButtonElement>()
  return (
    <button
      ref={button}
      type="button"
      class="button stop"
      aria-disabled={isStopping}
      onClick={() => !isStopping && onStop()}
    >
      <Icon name="stop" /> {isStopping ? 'Stopping' : 'Stop'}
      <span class="visually-hidden"> the answer of {name}</span>
    </button>
  )
}
