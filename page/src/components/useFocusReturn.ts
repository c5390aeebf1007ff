import type { RefObject } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'

/** For what goes away by itself: the focus that was in it goes to the composer, so that a keyboard is not left nowhere. */
export function useFocusReturn<Kind extends HTMLElement>(): RefObject<Kind | null> {
  const place = useRef<Kind>(null)
  // Of a passive effect the end comes when the focus is lost already.
  useLayoutEffect(() => {
    const mine = place.current
    return () => {
      if (mine?.contains(document.activeElement)) document.querySelector<HTMLElement>('#composer')?.focus()
    }
  }, [])
  return place
}
