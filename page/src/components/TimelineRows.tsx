import { useMemo } from 'preact/hooks'

import type { Message } from '../history'
import type { Unsent } from '../outbox'
import { placesByMessage } from '../queue'
import type { Room } from '../room'
import { dayName } from '../time'
import { readersByMessage, type Row, timeline } from '../timeline'
import { useDesk } from './context'
import { DeletedRow } from './DeletedRow'
import { MessageRow } from './MessageRow'
import type { People } from './people'
import { UnsentRow } from './UnsentRow'

interface Props {
  room: Room
  people: People
  unsent: readonly Unsent[]
  marked: string | null
  /** The id of the message that the reader is changing. */
  editing: string | null
  onReply(message: Message): void
  onEdit(message: Message | null): void
  onShow(messageId: string): void
  onShowSeq(seq: number): void
}

export function TimelineRows({ room, people, unsent, marked, editing, ...acts }: Props) {
  const { chat } = useDesk()
  const byId = new Map(room.history.messages.map(message => [message.id, message]))
  const readers = readersByMessage(room, chat.me)
  const places = useMemo(() => placesByMessage(room.queues), [room.queues])
  const draw = (row: Row) => {
    switch (row.kind) {
      case 'day':
        return (
          <h2 key={row.key} class="day">
            <span>{dayName(row.at)}</span>
          </h2>
        )
      case 'new':
        return (
          <p key={row.key} class="new-line" data-row="new">
            <span>New</span>
          </p>
        )
      case 'unsent':
        return (
          <UnsentRow
            key={row.key}
            entry={row.entry}
            startsRun={row.startsRun}
            name={people.name(chat.me)}
            known={people.known}
          />
        )
      case 'message':
        return row.message.deleted ? (
          <DeletedRow key={row.key} message={row.message} />
        ) : (
          <MessageRow
            key={row.key}
            roomId={room.id}
            people={people}
            message={row.message}
            startsRun={row.startsRun}
            quotes={row.quotes}
            quoted={row.quotes === null ? undefined : byId.get(row.quotes)}
            readers={readers.get(row.message.id)?.join(' ') ?? ''}
            isMarked={marked === row.message.id}
            isEditing={editing === row.message.id}
            rating={room.ratings.get(row.message.id)}
            place={places.get(row.message.id)}
            {...acts}
          />
        )
    }
  }
  return <>{timeline(room, unsent, chat.me).map(draw)}</>
}
