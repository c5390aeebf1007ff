import { describe, expect, it } from 'vitest'

import { approvalFrom, withApproval, withListed } from '../src/approvals'
import { approvalData, NOON } from './samples'

const approval = (more = {}) => approvalFrom(approvalData(more), 'haitch', 'a', NOON, NOON)

describe('an approval', () => {
  it('ends when the server says, whatever the clock of this device shows', () => {
    const fast = NOON + 3_600_000
    expect(approvalFrom(approvalData(), 'haitch', 'a', NOON, fast).endsAt - fast).toBe(300_000)
  })

  it('stays decided when it is asked again late', () => {
    const denied = withApproval([approval()], approval({ decision: 'denied', decided_by: 'bo' }))
    expect(withApproval(denied, approval())).toMatchObject([{ decision: 'denied', decidedBy: 'bo' }])
  })

  it('that came too late to be used is told to have expired', () => {
    const approved = withApproval([approval()], approval({ decision: 'approved' }))
    expect(withApproval(approved, approval({ decision: 'expired' }))).toMatchObject([{ decision: 'expired' }])
  })

  it('that was never seen has nothing to tell at its end', () => {
    expect(withApproval([], approval({ decision: 'expired' }))).toEqual([])
  })

  it('that the list does not have is over, and one that ended while it came has ended', () => {
    const decided = withApproval([approval()], approval({ decision: 'approved' }))
    expect(withListed(decided, [approval()])).toMatchObject([{ decision: 'approved' }])
    expect(withListed([approval()], [])).toEqual([])
  })
})
