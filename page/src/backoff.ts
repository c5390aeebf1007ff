/** When to come back after a connection ended. */

export type Comeback =
  { kind: 'after'; delayMs: number } | { kind: 'sign-in' } | { kind: 'never'; why: string }

const FIRST_DELAY_MS = 300
/** Long enough to spare a server that is down, short enough that nobody reloads the page by hand. */
const LONGEST_DELAY_MS = 15_000

const FINAL: Record<number, string> = {
  1008: 'The server closed this connection because it broke a rule.',
  1009: 'A message was too large for the server.',
  4403: 'This account may not use this server.',
}

/** What to do after close `code`; `failures` is how many attempts failed in a row, `random` is in [0, 1). */
export function comeback(code: number, reason: string, failures: number, random: number): Comeback {
  const why = FINAL[code]
  if (why) return { kind: 'never', why: reason ? `${why} (${reason})` : why }
  if (code === 4401) return { kind: 'sign-in' }
  if (code === 1012 || code === 1013) return { kind: 'after', delayMs: namedDelay(reason) ?? spread(failures, random) }
  return { kind: 'after', delayMs: spread(failures, random) }
}

/** Doubles from 0.3 s to 15 s; the random half keeps a crowd from coming back in the same instant. */
function spread(failures: number, random: number): number {
  const full = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures, 10))
  return Math.round(full * (0.5 + random / 2))
}

/** The delay that a server names in its close reason, such as `"restart; retry in 1.5 s"`. */
function namedDelay(reason: string): number | null {
  const match = /(\d+(?:\.\d+)?)\s*(ms|s)?/.exec(reason)
  if (!match) return null
  const amount = Number(match[1])
  return Math.min(LONGEST_DELAY_MS, match[2] === 'ms' ? amount : amount * 1000)
}
