import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'

import { route } from '../router'
import { Banner } from './Banner'
import { RoomView } from './RoomView'
import { Sidebar } from './Sidebar'
import { Switcher } from './Switcher'
import { Welcome } from './Welcome'

/** The signed-in page: rooms beside the open one; on a narrow screen one of the two. */
export function Workspace() {
  const isSwitching = useSignal(false)
  const place = route.value
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (
        event.key.toLowerCase() !== 'k' ||
        !(event.ctrlKey || event.metaKey) ||
        event.altKey ||
        event.shiftKey
      )
        return
      event.preventDefault()
      isSwitching.value = true
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [isSwitching])
  const openSwitcher = () => {
    isSwitching.value = true
  }
  return (
    <div class={`workspace ${place.page === 'room' ? 'in-room' : ''}`}>
      <Banner />
      <Sidebar onSwitch={openSwitcher} />
      {place.page === 'room' ? (
        <RoomView key={place.roomId} roomId={place.roomId} />
      ) : (
        <Welcome onSwitch={openSwitcher} />
      )}
      {isSwitching.value && <Switcher onClose={() => (isSwitching.value = false)} />}
    </div>
  )
}
