/** Names that people type, turned into ids that the server accepts: `[A-Za-z0-9_.:@-]{1,128}`. */

const MAX_ID = 128
/** Crockford's base 32: no letters that look like digits. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const RANDOM_CHARS = 26

/** A new message id. Not `crypto.randomUUID`: a page served over plain HTTP in a local network has none. */
export function newMessageId(): string {
  return 'msg_' + randomChars()
}

/** A new id of a change to a message. */
export function newOperationId(): string {
  return 'op_' + randomChars()
}

function randomChars(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(RANDOM_CHARS))
  return Array.from(bytes, byte => ALPHABET[byte % ALPHABET.length]).join('')
}

/** `"Zoë Müller"` becomes `"zoe-muller"`; a name without Latin letters gets a stable id of its own. */
export function userIdFromName(name: string): string {
  return slug(name) || (name.trim() && `user-${fingerprint(name.trim())}`)
}

/** `"Design review"` becomes `"design-review"`; empty where nothing can be kept. */
export function roomIdFromName(name: string): string {
  return slug(name.replace(/^#/, '')) || (name.trim() && `room-${fingerprint(name.trim())}`)
}

/** What to call someone of whom only the id is known: `"zoe-muller"` becomes `"Zoe Muller"`. */
export function nameFromId(id: string): string {
  const words = id.split(/[-_.\s]+/).filter(Boolean)
  return words.map(word => word.charAt(0).toUpperCase() + word.slice(1)).join(' ') || id
}

function slug(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/[\u0300-\u036f]/g, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9_.:@-]+/g, '-')
    .replaceAll(/^[-.:@]+|[-.:@]+$/g, '')
    .slice(0, MAX_ID)
}

/** FNV-1a over UTF-16 code units: short and stable, nothing secret. */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0
  return hash.toString(36)
}
