import { useMemo } from 'preact/hooks'

import type { MemberKind } from '../protocol'
import { nameOf, type Room } from '../room'

/** The people of a room as messages need them: by name, which seldom changes, without their presence. */
export interface People {
  name(id: string): string
  kind(id: string): MemberKind
  /** The id as it is written, for one in any case. */
  known(id: string): string | undefined
}

/** The same object until somebody comes, goes or changes their name, so that no message is drawn in vain. */
export function usePeople(room: Room): People {
  const { members } = room
  const state = [...members.values()].map(member => `${member.id} ${member.kind} ${member.name}`).join('\n')
  return useMemo(() => {
    const byFolded = new Map([...members.keys()].map(id => [id.toLowerCase(), id]))
    return {
      name: id => nameOf({ members }, id),
      kind: id => members.get(id)?.kind ?? 'human',
      known: id => byFolded.get(id.toLowerCase()),
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `state` is all of the members that is read here
  }, [state])
}
