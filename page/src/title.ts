import { effect } from '@preact/signals'

import type { Chat } from './chat'

const NAME = 'ProductFlo chat'

/** Keeps the tab's title at `(3) design-review · ProductFlo chat`; call the answer to end it. */
export function showUnreadInTitle(chat: Chat): () => void {
  const end = effect(() => {
    const unread = chat.rooms.unread.value
    const room = chat.openRoom.value
    document.title = `${unread > 0 ? `(${unread}) ` : ''}${room ? `${room} · ` : ''}${NAME}`
  })
  return () => {
    end()
    document.title = NAME
  }
}
