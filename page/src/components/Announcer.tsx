import { useEffect, useRef, useState } from 'preact/hooks'

import { changeInWords, type Facts, factsOf } from '../announcements'
import type { Room } from '../room'
import { useDesk } from './context'

/** Tells a screen reader, politely, what assistants begin, do, ask and end. */
export function Announcer({ room }: { room: Room }) {
  const { chat } = useDesk()
  const before = useRef<Facts>(new Map())
  const [said, say] = useState('')
  useEffect(() => {
    const now = factsOf(room, chat.me)
    const words = changeInWords(before.current, now)
    before.current = now
    if (words) say(words)
  }, [room, chat])
  return (
    <p class="visually-hidden" role="status">
      {said}
    </p>
  )
}
