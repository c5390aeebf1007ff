import type { DecidedData } from '../protocol'
import { argumentsInLines, plainly } from '../receipt'
import { outcomeInWords } from './ApprovalCard'
import type { People } from './people'
import { Content } from './ToolCalls'

interface Props {
  decided: readonly DecidedData[]
  people: Pick<People, 'name'>
}

/** What an assistant asked approval for, and who answered. */
export function Decisions({ decided, people }: Props) {
  return (
    <ol class="tool-calls" aria-label="Approvals">
      {decided.map((each, index) => (
        <li key={index}>
          <p>
            <strong>{plainly(each.action)}</strong>{' '}
            <span class={each.decision === 'approved' ? 'tool-state' : 'tool-state tool-refused'}>
              {outcomeInWords({ decision: each.decision, decidedBy: each.decided_by ?? null }, people)}
            </span>
          </p>
          <Content label="Given" text={argumentsInLines(each.arguments)} />
        </li>
      ))}
    </ol>
  )
}
