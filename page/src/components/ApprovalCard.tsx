import { type Approval, isOpen } from '../approvals'
import { argumentsInLines, plainly } from '../receipt'
import type { Room } from '../room'
import { minutesLeft } from '../time'
import { useDesk } from './context'
import { Icon } from './Icon'
import type { People } from './people'
import { useFocusReturn } from './useFocusReturn'
import { useNow } from './useNow'
import { useTrying } from './useTrying'

interface Props {
  room: Room
  people: People
  approval: Approval
}

/** An action that an assistant takes only if a person says so: what exactly, for whom, and until when. */
export function ApprovalCard({ room, people, approval }: Props) {
  const name = people.name(approval.assistant)
  const action = plainly(approval.action)
  return (
    <div
      class="approval"
      role="group"
      aria-label={`${name} asks for approval: ${action}`}
      data-row={`approval-${approval.id}`}
    >
      <p>
        <Icon name="shield" /> <strong>{name}</strong> asks for approval
      </p>
      <p class="approval-action">{action}</p>
      {approval.arguments !== '{}' && <pre>{argumentsInLines(approval.arguments)}</pre>}
      {isOpen(approval) ? (
        <Question room={room} people={people} approval={approval} />
      ) : (
        <p class="approval-end">{outcomeInWords(approval, people)}</p>
      )}
    </div>
  )
}

function Question({ room, people, approval }: Props) {
  const { chat } = useDesk()
  const left = approval.endsAt - useNow()
  const { asker } = approval
  const deciders = room.creator === null ? [asker] : [asker, room.creator]
  return (
    <>
      <p class="hint">
        For {asker === chat.me ? 'you' : people.name(asker)}
        {left > 0 && (
          <>
            {' · '}
            <span role="timer">{minutesLeft(left)} left</span>
          </>
        )}
      </p>
      {left <= 0 ? (
        <p class="approval-end">Nobody decided in time.</p>
      ) : deciders.includes(chat.me) ? (
        <Decision roomId={room.id} approval={approval} />
      ) : (
        <p class="hint">
          {[...new Set(deciders)].map(id => people.name(id)).join(' or ')} can approve or deny it.
        </p>
      )}
    </>
  )
}

function Decision({ roomId, approval }: { roomId: string; approval: Approval }) {
  const { chat } = useDesk()
  const { isTrying, problem, attempt } = useTrying()
  const place = useFocusReturn<HTMLDivElement>()
  const decide = (decision: 'approve' | 'deny') => {
    if (!isTrying) void attempt(() => chat.api.decide(roomId, approval.id, decision))
  }
  return (
    <>
      <div class="approval-choice" ref={place}>
        <button
          type="button"
          class="button-primary"
          aria-disabled={isTrying}
          onClick={() => decide('approve')}
        >
          Approve
        </button>
        <button type="button" class="button" aria-disabled={isTrying} onClick={() => decide('deny')}>
          Deny
        </button>
      </div>
      {problem && (
        <p class="is-error" role="alert">
          {problem}
        </p>
      )}
    </>
  )
}

export function outcomeInWords(
  { decision, decidedBy }: Pick<Approval, 'decision' | 'decidedBy'>,
  people: Pick<People, 'name'>,
): string {
  if (decision === 'expired') return 'Nobody decided in time.'
  const by = decidedBy ? ` by ${people.name(decidedBy)}` : ''
  return decision === 'approved' ? `Approved${by}.` : `Denied${by}.`
}
