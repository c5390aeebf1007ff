/** Times as people say them, in the reader's language and time zone. */

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' })
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'short' })
const DAY = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' })
const DAY_AND_YEAR = new Intl.DateTimeFormat(undefined, { dateStyle: 'long' })
const DAY_MS = 24 * 60 * 60_000

export const clock = (at: number): string => CLOCK.format(at)
export const fullTime = (at: number): string => FULL.format(at)

/** "Today", "Yesterday", "Monday, 3 March", and with the year where it is another one. */
export function dayName(at: number, now = Date.now()): string {
  const day = new Date(at)
  if (day.toDateString() === new Date(now).toDateString()) return 'Today'
  if (day.toDateString() === new Date(now - DAY_MS).toDateString()) return 'Yesterday'
  return (day.getFullYear() === new Date(now).getFullYear() ? DAY : DAY_AND_YEAR).format(at)
}

/** `272_000` becomes `"4:32"`. */
export function minutesLeft(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

/** `1536` becomes `"1.5 KB"`. */
export function fileSize(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB']
  let size = bytes
  let unit = 0
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1024
    unit++
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`
}
