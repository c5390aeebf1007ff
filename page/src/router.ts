/** The address of the page as a signal: `/`, `/r/{room}?m={message}`, `/invite/{code}`. */

import { signal } from '@preact/signals'

export type Route =
  | { page: 'home' }
  | { page: 'room'; roomId: string; messageId: string | null }
  | { page: 'invitation'; code: string }

export function parseRoute(path: string, search: string): Route {
  const [, section, rest] = /^\/(r|invite)\/([^/]+)$/.exec(path) ?? []
  const name = rest && decoded(rest)
  if (!name) return { page: 'home' }
  if (section === 'invite') return { page: 'invitation', code: name }
  return { page: 'room', roomId: name, messageId: new URLSearchParams(search).get('m') }
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null // A mangled address leads home.
  }
}

export function roomPath(roomId: string, messageId?: string): string {
  const path = `/r/${encodeURIComponent(roomId)}`
  return messageId ? `${path}?m=${encodeURIComponent(messageId)}` : path
}

export const route = signal<Route>({ page: 'home' })

export function navigate(path: string, how: 'push' | 'replace' = 'push'): void {
  if (how === 'push') history.pushState(null, '', path)
  else history.replaceState(null, '', path)
  readAddress()
}

/** Follows the address bar, and plain clicks on the page's own links, without loading the page again. */
export function startRouter(): void {
  readAddress()
  addEventListener('popstate', readAddress)
  addEventListener('click', event => {
    const wantsNewTab = event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey
    const link = event.target instanceof Element ? event.target.closest('a') : null
    if (wantsNewTab || event.defaultPrevented || !link || link.target || link.origin !== location.origin)
      return
    if (link.pathname !== '/' && !link.pathname.startsWith('/r/')) return
    event.preventDefault()
    navigate(link.pathname + link.search)
  })
}

function readAddress(): void {
  route.value = parseRoute(location.pathname, location.search)
}
