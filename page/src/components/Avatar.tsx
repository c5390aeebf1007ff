import type { MemberKind, Presence } from '../protocol'
import { Icon } from './Icon'

const COLOURS = 8

export const PRESENCE_TEXT: Record<Presence, string> = {
  online: 'Online',
  away: 'Away',
  busy: 'Busy',
  offline: 'Offline',
}

interface Props {
  id: string
  name: string
  kind: MemberKind
  presence?: Presence
  size?: 'small' | 'tiny'
}

/** A person's initials on a colour of their own, an assistant's sparkle; decoration beside the name. */
export function Avatar({ id, name, kind, presence, size }: Props) {
  const look = kind === 'assistant' ? 'avatar-assistant' : `avatar-${colourOf(id)}`
  return (
    <span class={`avatar ${look} ${size ? `avatar-${size}` : ''}`}>
      <span aria-hidden="true" class="avatar-face">
        {kind === 'assistant' ? <Icon name="sparkle" /> : initials(name)}
      </span>
      {presence && <PresenceDot presence={presence} />}
    </span>
  )
}

/** Colour and shape tell it to the eye, the text to a screen reader. */
export function PresenceDot({ presence }: { presence: Presence }) {
  return (
    <span class={`presence presence-${presence}`}>
      <span class="visually-hidden">{PRESENCE_TEXT[presence]}</span>
    </span>
  )
}

export function AssistantBadge() {
  return <span class="badge">Assistant</span>
}

export function initials(name: string): string {
  const words = name.split(/[\s._@-]+/).filter(Boolean)
  const letters =
    words.length > 1 ? [words[0]!, words.at(-1)!].map(word => firstLetter(word)) : [firstLetter(name)]
  return letters.join('').toUpperCase()
}

function firstLetter(word: string): string {
  return Array.from(word)[0] ?? '?'
}

function colourOf(id: string): number {
  return Array.from(id).reduce((sum, letter) => (sum * 33 + letter.codePointAt(0)!) % 9973, 5) % COLOURS
}
