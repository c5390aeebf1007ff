/**
 * Where the reader is in the timeline: at its end, which then stays in view, or at some row, which then stays where it
 * is whatever is loaded above it or grows. Nothing else moves the scroll.
 */

import type { Signal } from '@preact/signals'
import type { RefObject } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'

/** A line of text: as near as this to the end counts as being there. */
const END_PX = 32
/** The next page is asked for this far ahead of the reader. */
const AHEAD_PX = 600
/** Where the unread line is put when a room is opened. */
const NEW_LINE_FROM_TOP_PX = 96

interface Edges {
  hasOlder: boolean
  hasNewer: boolean
  onNearTop(): void
  onNearBottom(): void
}

export interface ScrollKeeper {
  scroller: RefObject<HTMLDivElement | null>
  content: RefObject<HTMLDivElement | null>
  onScroll(): void
  toEnd(): void
  /** Answers whether a row with this key is in the page. */
  toRow(key: string): boolean
}

export function useScrollKeeper(atEnd: Signal<boolean>, isLoaded: boolean, edges: Edges): ScrollKeeper {
  const scroller = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const latest = useRef(edges)
  latest.current = edges
  const place = useMemo(() => new Place(scroller, content, atEnd, latest), [atEnd])

  useLayoutEffect(() => {
    if (isLoaded) place.begin()
  }, [isLoaded, place])
  useLayoutEffect(() => place.keep())
  useEffect(() => {
    const observer = new ResizeObserver(() => place.keep())
    if (content.current) observer.observe(content.current)
    if (scroller.current) observer.observe(scroller.current)
    return () => observer.disconnect()
  }, [place])

  return useMemo(
    () => ({ scroller, content, onScroll: place.look, toEnd: place.toEnd, toRow: place.toRow }),
    [place],
  )
}

class Place {
  private follows = false
  private hasBegun = false
  private lastTop = 0
  /** The first row in view, and how far below the top edge it begins. */
  private anchor: { key: string; offset: number } | null = null

  constructor(
    private readonly scroller: RefObject<HTMLDivElement | null>,
    private readonly content: RefObject<HTMLDivElement | null>,
    private readonly atEnd: Signal<boolean>,
    private readonly edges: RefObject<Edges>,
  ) {}

  /** The first messages are drawn: at the unread line where there is one, else at the end. */
  begin(): void {
    this.hasBegun = true
    const box = this.scroller.current
    const line = this.row('new')
    if (!box) return
    if (line && box.scrollHeight - line.offsetTop > box.clientHeight - NEW_LINE_FROM_TOP_PX) {
      box.scrollTop = line.offsetTop - NEW_LINE_FROM_TOP_PX
      this.look()
    } else this.toEnd()
  }

  /** Something was drawn or changed its size. */
  keep(): void {
    const box = this.scroller.current
    if (!box || !this.hasBegun) return
    if (this.follows && this.hasLeft(box)) return this.look() // Their scroll event is on its way.
    const row = this.anchor && this.row(this.anchor.key)
    if (this.follows || !this.anchor || !row) box.scrollTop = box.scrollHeight
    else {
      const top = row.offsetTop - this.anchor.offset
      if (Math.abs(top - box.scrollTop) >= 1) box.scrollTop = top // Else a finger's momentum would be broken.
    }
    this.look()
  }

  /** The reader scrolled, or the layout moved. */
  readonly look = (): void => {
    const box = this.scroller.current
    const edges = this.edges.current
    if (!box || !edges || !this.hasBegun) return
    const below = box.scrollHeight - box.scrollTop - box.clientHeight
    if (below <= END_PX) this.follows = !edges.hasNewer
    else if (this.hasLeft(box)) this.follows = false
    this.lastTop = box.scrollTop
    this.atEnd.value = this.follows
    this.anchor = this.firstInView(box)
    if (edges.hasOlder && box.scrollTop < AHEAD_PX) edges.onNearTop()
    if (edges.hasNewer && below < AHEAD_PX) edges.onNearBottom()
  }

  readonly toEnd = (): void => {
    this.follows = true
    this.keep()
  }

  readonly toRow = (key: string): boolean => {
    const row = this.row(key)
    const box = this.scroller.current
    if (!row || !box) return false
    this.follows = false
    box.scrollTop = row.offsetTop - box.clientHeight / 3
    this.lastTop = box.scrollTop
    this.look()
    return true
  }

  /** Content that grows also takes one from the end; only moving up says that one wants to leave it. */
  private hasLeft(box: HTMLDivElement): boolean {
    return box.scrollTop < this.lastTop && box.scrollHeight - box.scrollTop - box.clientHeight > END_PX
  }

  private firstInView(box: HTMLDivElement): { key: string; offset: number } | null {
    for (const row of this.content.current?.querySelectorAll<HTMLElement>('[data-row]') ?? []) {
      if (row.offsetTop + row.offsetHeight > box.scrollTop) {
        return { key: row.dataset['row'] ?? '', offset: row.offsetTop - box.scrollTop }
      }
    }
    return null
  }

  private row(key: string): HTMLElement | null {
    return this.content.current?.querySelector<HTMLElement>(`[data-row="${CSS.escape(key)}"]`) ?? null
  }
}
