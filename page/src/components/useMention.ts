import type { RefObject } from 'preact'
import { useState } from 'preact/hooks'

import { type MentionQuery, mentionAt, suggestions } from '../mention'
import type { Member, Room } from '../room'
import { useDesk } from './context'

export interface Mention {
  query: MentionQuery | null
  members: readonly Member[]
  isOpen: boolean
  chosen: number
  choose(index: number): void
  /** Looks at the text around the caret again. */
  look(): void
  close(): void
  /** Answers whether the key was meant for the suggestions. */
  onKey(key: string, complete: (id: string) => void): boolean
}

/** The mention at the caret of a text field, and the members that it may mean. */
export function useMention(room: Room, area: RefObject<HTMLTextAreaElement | null>): Mention {
  const { chat } = useDesk()
  const [query, setQuery] = useState<MentionQuery | null>(null)
  const [chosen, choose] = useState(0)
  const members = query ? suggestions(room.members.values(), query.text, chat.me) : []
  const isOpen = members.length > 0
  const close = () => setQuery(null)
  const look = () => {
    const found = area.current ? mentionAt(area.current.value, area.current.selectionStart) : null
    if (found?.text !== query?.text) choose(0)
    setQuery(found)
  }
  const onKey = (key: string, complete: (id: string) => void): boolean => {
    if (!isOpen) return false
    const step = { ArrowDown: 1, ArrowUp: -1 }[key]
    if (step) choose((chosen + step + members.length) % members.length)
    else if (key === 'Enter' || key === 'Tab') complete(members[Math.min(chosen, members.length - 1)]!.id)
    else if (key === 'Escape') close()
    else return false
    return true
  }
  return { query, members, isOpen, chosen, choose, look, close, onKey }
}
