import type { Signal } from '@preact/signals'

import { isOpen } from '../approvals'
import type { Message } from '../history'
import type { Room } from '../room'
import { AnswerRow } from './AnswerRow'
import { ApprovalCard } from './ApprovalCard'
import { useDesk } from './context'
import { EmptyRoom } from './EmptyRoom'
import { Icon } from './Icon'
import { usePeople } from './people'
import { TimelineRows } from './TimelineRows'
import { type ScrollKeeper, useScrollKeeper } from './useScrollKeeper'

interface Props {
  room: Room
  /** The message that a link led to. */
  marked: Signal<string | null>
  /** Where the scroll can be moved from outside. */
  keeper: { current: ScrollKeeper | null }
  /** The id of the message that the reader is changing. */
  editing: string | null
  onReply(message: Message): void
  onEdit(message: Message | null): void
  onSuggest(text: string): void
  onShow(messageId: string): void
  onShowSeq(seq: number): void
}

/** What scrolls: the log of what was said, then the answers that are being written. */
export function Timeline({ room, marked, keeper, editing, onSuggest, ...acts }: Props) {
  const { chat } = useDesk()
  const people = usePeople(room)
  const { history } = room
  const unsent = chat.outbox.entries.value.filter(entry => entry.roomId === room.id)
  const loading = chat.pager.loading(room.id)
  const scroll = useScrollKeeper(chat.atEnd, history.loaded, {
    hasOlder: history.hasOlder && loading === undefined,
    hasNewer: history.hasNewer,
    onNearTop: () => void chat.pager.older(room.id),
    onNearBottom: () => loading === undefined && void chat.pager.newer(room.id),
  })
  keeper.current = scroll
  const isBusy = !history.loaded || (loading !== undefined && loading !== 'failed')
  const answers = history.hasNewer ? [] : room.answers
  const approvals = history.hasNewer ? [] : room.approvals
  const isEmpty = history.loaded && history.messages.length + unsent.length + answers.length === 0
  const jump = () => void chat.showPresent(room.id).then(scroll.toEnd)
  return (
    <div class="timeline">
      {/* Reached by keyboard, because it scrolls; arrows then move from message to message. */}
      <div
        ref={scroll.scroller}
        class="scroller"
        tabIndex={0}
        role="region"
        aria-label={`Messages in ${room.id}`}
        onScroll={scroll.onScroll}
        onKeyDown={moveBetweenRows}
      >
        <div ref={scroll.content} class="rows">
          <Top room={room} />
          {isEmpty && <EmptyRoom room={room} onSuggest={onSuggest} />}
          <div role="log" aria-label="Messages" aria-busy={isBusy}>
            <TimelineRows
              room={room}
              people={people}
              unsent={unsent}
              marked={marked.value}
              editing={editing}
              {...acts}
            />
          </div>
          {answers.map(each => (
            <AnswerRow key={each.messageId} room={room} people={people} answer={each} {...acts} />
          ))}
          {approvals.map(each => (
            <ApprovalCard key={each.id} room={room} people={people} approval={each} />
          ))}
        </div>
      </div>
      {!chat.atEnd.value && history.loaded && <JumpToEnd room={room} onJump={jump} />}
    </div>
  )
}

/** What stands above the oldest message in the page. */
function Top({ room }: { room: Room }) {
  const { chat } = useDesk()
  const { history } = room
  const loading = chat.pager.loading(room.id)
  if (loading === 'failed') {
    const retry = () => void (history.loaded ? chat.pager.older(room.id) : chat.pager.latest(room.id))
    return (
      <p class="top" role="status">
        Messages could not be loaded.{' '}
        <button type="button" class="button-quiet" onClick={retry}>
          Try again
        </button>
      </p>
    )
  }
  if (!history.loaded || history.hasOlder) {
    const isLoading = loading !== undefined || !history.loaded
    return (
      <p class="top">
        {isLoading && (
          <>
            <span class="spinner" /> Loading messages
          </>
        )}
      </p>
    )
  }
  return history.messages.length > 0 ? (
    <p class="top">
      This is where <strong>#{room.id}</strong> begins.
    </p>
  ) : null
}

function JumpToEnd({ room, onJump }: { room: Room; onJump(): void }) {
  const count = room.unread
  const news = count > 0 ? `${count} new ${count === 1 ? 'message' : 'messages'}` : 'Jump to latest'
  return (
    <button type="button" class="jump-to-end" onClick={onJump}>
      <Icon name="down" />
      {room.approvals.some(isOpen) ? 'An approval is asked for' : news}
    </button>
  )
}

/** Arrow keys, Home and End move between messages; Tab then reaches what can be done with one. */
function moveBetweenRows(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>('article')]
  const at = rows.indexOf((event.target as Element).closest('article') as HTMLElement)
  const isOnRow = event.target === event.currentTarget || event.target === rows[at]
  const last = rows.length - 1
  const to = { ArrowUp: at < 0 ? last : at - 1, ArrowDown: at + 1, Home: 0, End: last }[event.key]
  if (to === undefined || !isOnRow || (at < 0 && event.key === 'ArrowDown')) return
  event.preventDefault()
  rows[Math.max(0, Math.min(to, last))]?.focus()
}
