import { useEffect, useState } from 'preact/hooks'

import { useDesk } from './context'

/** A short drop is nobody's business: only after this long is it told. */
const QUIET_MS = 2_000

export function Banner() {
  const { chat } = useDesk()
  const link = chat.connection.link.value
  const downSince = link.state === 'connecting' || link.state === 'waiting' ? link.since : null
  const isDown = useIsPast(downSince === null ? null : downSince + QUIET_MS)
  if (link.state === 'refused') {
    return (
      <p class="banner banner-final" role="alert">
        {link.why}{' '}
        <button type="button" class="button-quiet" onClick={() => location.reload()}>
          Reload the page
        </button>
      </p>
    )
  }
  return (
    <div role="status" class="banner-place">
      {isDown && (
        <p class="banner">
          Connecting again. What you send is kept, and goes out by itself.{' '}
          <button type="button" class="button-quiet" onClick={chat.connection.retryNow}>
            Try now
          </button>
        </p>
      )}
    </div>
  )
}

/** Whether a moment (ms since the epoch) has passed; draws again when it does. */
function useIsPast(moment: number | null): boolean {
  const [, redraw] = useState(0)
  useEffect(() => {
    if (moment === null) return undefined
    const timer = setTimeout(() => redraw(Date.now()), Math.max(0, moment - Date.now()))
    return () => clearTimeout(timer)
  }, [moment])
  return moment !== null && Date.now() >= moment
}
