import type { Signal } from '@preact/signals'

import type { Message } from '../history'
import type { Room } from '../room'
import { dayName } from '../time'
import { readersByMessage, type Row, timeline } from '../timeline'
import { AnswerRow } from './AnswerRow'
import { useDesk } from './context'
import { EmptyRoom } from './EmptyRoom'
import { Icon } from './Icon'
import { MessageRow } from './MessageRow'
import { usePeople } from './people'
import { UnsentRow } from './UnsentRow'
import { type ScrollKeeper, useScrollKeeper } from './useScrollKeeper'

interface Props {
  room: Room
  /** The row that a link led to. */
  marked: Signal<string | null>
  /** Where the scroll can be moved from outside. */
  keeper: { current: ScrollKeeper | null }
  onReply(message: Message): void
  onSuggest(text: string): void
  onShow(messageId: string): void
}

export function Timeline({ room, marked, keeper, onReply, onSuggest, onShow }: Props) {
  const { chat } = useDesk()
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
  const people = usePeople(room)
  const byId = new Map(history.messages.map(message => [message.id, message]))
  const readers = readersByMessage(room, chat.me)
  const rows = timeline(room, unsent, chat.me)
  const isEmpty = history.loaded && rows.length === 0 && room.answers.length === 0

  const draw = (row: Row) => {
    switch (row.kind) {
      case 'day':
        return <h2 key={row.key} class="day"><span>{dayName(row.at)}</span></h2>
      case 'new':
        return <p key={row.key} class="new-line" data-row="new"><span>New</span></p>
      case 'unsent':
        return <UnsentRow key={row.key} entry={row.entry} name={people.name(chat.me)} startsRun={row.startsRun} known={people.known} />
      case 'message':
        return (
          <MessageRow
            key={row.key}
            roomId={room.id}
            people={people}
            message={row.message}
            startsRun={row.startsRun}
            quotes={row.quotes}
            quoted={row.quotes === null ? undefined : byId.get(row.quotes)}
            readers={readers.get(row.message.id)?.join(' ') ?? ''}
            isMarked={marked.value === row.message.id}
            onReply={onReply}
            onShow={onShow}
          />
        )
    }
  }
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
          <div role="log" aria-label="Messages" aria-busy={!history.loaded || (loading !== undefined && loading !== 'failed')}>
            {rows.map(draw)}
          </div>
          {room.answers.map(answer => !history.hasNewer && <AnswerRow key={answer.messageId} room={room} people={people} answer={answer} onShow={onShow} />)}
        </div>
      </div>
      {!chat.atEnd.value && history.loaded && <JumpToEnd room={room} onJump={() => void jump(room.id)} />}
    </div>
  )

  async function jump(roomId: string) {
    await chat.showPresent(roomId)
    scroll.toEnd()
  }
}

/** What stands above the oldest message in the page. */
function Top({ room }: { room: Room }) {
  const { chat } = useDesk()
  const loading = chat.pager.loading(room.id)
  if (loading === 'failed') {
    return (
      <p class="top" role="status">
        Messages could not be loaded.{' '}
        <button type="button" class="button-quiet" onClick={() => void (room.history.loaded ? chat.pager.older(room.id) : chat.pager.latest(room.id))}>
          Try again
        </button>
      </p>
    )
  }
  if (!room.history.loaded || room.history.hasOlder) {
    const isLoading = loading !== undefined || !room.history.loaded
    return <p class="top">{isLoading && <><span class="spinner" /> Loading messages</>}</p>
  }
  return room.history.messages.length > 0 ? <p class="top">This is where <strong>#{room.id}</strong> begins.</p> : null
}

function JumpToEnd({ room, onJump }: { room: Room; onJump(): void }) {
  const count = room.unread
  return (
    <button type="button" class="jump-to-end" onClick={onJump}>
      <Icon name="down" />
      {count > 0 ? `${count} new ${count === 1 ? 'message' : 'messages'}` : 'Jump to latest'}
    </button>
  )
}

/** Arrow keys, Home and End move between messages; Tab then reaches what can be done with one. */
function moveBetweenRows(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>('article')]
  const at = rows.indexOf((event.target as Element).closest('article') as HTMLElement)
  const isOnRow = event.target === event.currentTarget || event.target === rows[at]
  const to = { ArrowUp: at < 0 ? rows.length - 1 : at - 1, ArrowDown: at + 1, Home: 0, End: rows.length - 1 }[event.key]
  if (to === undefined || !isOnRow || (at < 0 && event.key === 'ArrowDown')) return
  event.preventDefault()
  rows[Math.max(0, Math.min(to, rows.length - 1))]?.focus()
}
