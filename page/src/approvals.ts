/** Actions that assistants ask people's approval for. */

import type { ApprovalData } from './protocol'

export interface Approval {
  id: string
  assistant: string
  action: string
  /** JSON: what the approval is bound to. */
  arguments: string
  /** For whom it would be done. */
  asker: string
  /** The answer that waits for it. */
  answerId: string | null
  /** ms since the epoch, by this device's clock. */
  endsAt: number
  decision: 'approved' | 'denied' | 'expired' | null
  decidedBy: string | null
}

/** `toldAt` is when the server said so, by its clock: a device whose clock is wrong counts down all the same. */
export function approvalFrom(
  data: ApprovalData,
  assistant: string,
  answerId: string | null,
  toldAt: number,
  now: number,
): Approval {
  return {
    id: data.approval_id,
    assistant,
    action: data.action,
    arguments: data.arguments,
    asker: data.asker,
    answerId,
    endsAt: now + Date.parse(data.expires_at) - toldAt,
    decision: data.decision ?? null,
    decidedBy: data.decided_by ?? null,
  }
}

/** What was decided is not open again; the end of one that was never seen is nothing to show. */
export function withApproval(approvals: readonly Approval[], next: Approval): readonly Approval[] {
  const known = approvals.find(each => each.id === next.id)
  if (known?.decision && !next.decision) return approvals
  if (known) return approvals.map(each => (each === known ? next : each))
  return next.decision ? approvals : [...approvals, next]
}

/** All that are open, as the server lists them; one whose end was heard meanwhile has ended. */
export function withListed(approvals: readonly Approval[], open: readonly Approval[]): readonly Approval[] {
  return open.map(next => approvals.find(each => each.id === next.id && each.decision) ?? next)
}

/** The answer is finished, and tells what became of its actions. */
export function withoutAnswered(approvals: readonly Approval[], answerId: string): readonly Approval[] {
  return approvals.some(each => each.answerId === answerId)
    ? approvals.filter(each => each.answerId !== answerId)
    : approvals
}

export const isOpen = (approval: Approval): boolean => approval.decision === null
