import { useEffect, useRef, useState } from 'preact/hooks'

import { nameOf, type Room } from '../room'

/** Tells a screen reader when an assistant begins and ends: its growing text would be read over and over. */
export function Announcer({ room }: { room: Room }) {
  const before = useRef<ReadonlySet<string>>(new Set())
  const [said, say] = useState('')
  const at = room.answers.map(answer => answer.assistant).join(' ')
  useEffect(() => {
    const now = new Set(at.split(' ').filter(Boolean))
    const name = (id: string) => nameOf(room, id)
    const begun = [...now].filter(id => !before.current.has(id)).map(id => `${name(id)} is answering.`)
    const ended = [...before.current].filter(id => !now.has(id)).map(id => `${name(id)} is done.`)
    before.current = now
    if (begun.length + ended.length > 0) say([...ended, ...begun].join(' '))
  }, [at, room])
  return (
    <p class="visually-hidden" role="status">
      {said}
    </p>
  )
}
