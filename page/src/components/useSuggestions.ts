import type { RefObject } from 'preact'
import { useState } from 'preact/hooks'

import type { Room } from '../room'
import { type Query, queryAt, type Suggestion, whatFits, whoFits } from '../suggestion'
import { useDesk } from './context'

export interface Suggestions {
  query: Query | null
  list: readonly Suggestion[]
  isOpen: boolean
  chosen: number
  choose(index: number): void
  /** Looks at the text around the caret again. */
  look(): void
  close(): void
  /** Answers whether the key was meant for the suggestions. */
  onKey(key: string, complete: (word: string) => void): boolean
}

/** The mention or command at the caret of a text field, and what it may mean. */
export function useSuggestions(room: Room, area: RefObject<HTMLTextAreaElement | null>): Suggestions {
  const { chat } = useDesk()
  const [query, setQuery] = useState<Query | null>(null)
  const [chosen, choose] = useState(0)
  const list = query ? fitting(query) : []
  const isOpen = list.length > 0

  function fitting({ sign, text }: Query): Suggestion[] {
    if (sign === '/') return whatFits(text, chat.assistants.commands(room.id))
    const absent = room.kind === 'direct' ? [] : chat.assistants.absentFrom(room.id)
    return whoFits(text, room.members.values(), absent, chat.me)
  }
  const close = () => setQuery(null)
  const look = () => {
    const found = area.current ? queryAt(area.current.value, area.current.selectionStart) : null
    if (found?.text !== query?.text || found?.sign !== query?.sign) choose(0)
    setQuery(found)
  }
  const onKey = (key: string, complete: (word: string) => void): boolean => {
    if (!isOpen) return false
    const step = { ArrowDown: 1, ArrowUp: -1 }[key]
    if (step) choose((chosen + step + list.length) % list.length)
    else if (key === 'Enter' || key === 'Tab') complete(list[Math.min(chosen, list.length - 1)]!.word)
    else if (key === 'Escape') close()
    else return false
    return true
  }
  return { query, list, isOpen, chosen, choose, look, close, onKey }
}
