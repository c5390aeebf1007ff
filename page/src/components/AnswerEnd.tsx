import type { AnswerData } from '../protocol'
import { useDesk } from './context'
import type { People } from './people'
import { Receipt } from './Receipt'

interface Props {
  people: People
  answer: AnswerData
  /** Whether nothing was said. */
  isEmpty: boolean
  onShow(messageId: string): void
  onShowSeq(seq: number): void
}

/** How an answer ended, where it was not simply finished, and what it tells of itself. */
export function AnswerEnd({ people, answer, isEmpty, onShow, onShowSeq }: Props) {
  return (
    <>
      {answer.state !== 'done' && <State people={people} answer={answer} isEmpty={isEmpty} />}
      <Receipt people={people} answer={answer} onShow={onShow} onShowSeq={onShowSeq} />
    </>
  )
}

function State({ people, answer, isEmpty }: Pick<Props, 'people' | 'answer' | 'isEmpty'>) {
  const { chat } = useDesk()
  const by = answer.stopped_by
  const who = by === chat.me ? 'you' : by && people.name(by)
  const words = {
    done: '',
    stopped: `Stopped${who ? ` by ${who}` : ''}${isEmpty ? ' before it said anything' : ''}`,
    interrupted: 'Interrupted: the assistant could not go on',
    failed: 'Failed: the assistant could not answer',
  }[answer.state]
  return <p class={`answer-end answer-${answer.state}`}>{words}.</p>
}
