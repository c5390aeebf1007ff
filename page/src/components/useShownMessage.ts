import { type Signal, useSignal } from '@preact/signals'
import { useCallback, useEffect, useState } from 'preact/hooks'

import type { Room } from '../room'
import { route } from '../router'
import { useDesk } from './context'
import type { ScrollKeeper } from './useScrollKeeper'

/** How long a message that a link led to stays marked. */
const MARKED_FOR_MS = 4_000

interface ShownMessage {
  /** The id of the message that was led to a moment ago. */
  marked: Signal<string | null>
  problem: string | null
  show(messageId: string): void
  /** The same by its place in the room. */
  showSeq(seq: number): void
  clearProblem(): void
}

/** Follows `?m=` in the address, and quotes: brings a message into the page and marks it for a while. */
export function useShownMessage(room: Room, keeper: { current: ScrollKeeper | null }): ShownMessage {
  const { chat } = useDesk()
  const marked = useSignal<string | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const roomId = room.id
  const place = route.value
  const wanted = place.page === 'room' && place.roomId === roomId ? place.messageId : null

  const show = useCallback(
    (messageId: string) => {
      void chat.pager.around(roomId, messageId).then(isFound => {
        setProblem(isFound ? null : 'That message is not here. It may be older than what is searched.')
        if (isFound) marked.value = messageId
      })
    },
    [chat, roomId, marked],
  )
  const showSeq = useCallback(
    (seq: number) => {
      void chat.pager.aroundSeq(roomId, seq).then(messageId => {
        setProblem(messageId ? null : `Message ${seq} is not here. It may be no longer kept.`)
        if (messageId) marked.value = messageId
      })
    },
    [chat, roomId, marked],
  )
  useEffect(() => {
    if (wanted && room.history.loaded) show(wanted)
  }, [wanted, room.history.loaded, show])
  useEffect(() => {
    if (marked.value === null) return undefined
    keeper.current?.toRow(marked.value)
    const timer = setTimeout(() => (marked.value = null), MARKED_FOR_MS)
    return () => clearTimeout(timer)
  }, [marked, marked.value, keeper])
  return { marked, problem, show, showSeq, clearProblem: () => setProblem(null) }
}
