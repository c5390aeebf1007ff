import type { RequestData } from '../protocol'

interface Props {
  request: RequestData
  /** What the message says: a field with the same words is not shown twice. */
  text: string
}

/** A request of a kind that an assistant owns: its kind, and what was given with it. */
export function RequestFields({ request, text }: Props) {
  const { code, assistant: _, ...fields } = request
  if (code.startsWith('/')) return null // The text begins with it.
  const shown = Object.entries(fields).filter(([, value]) => isSaid(value) && value !== text)
  return (
    <div class="request">
      <span class="badge">{inWords(code)}</span>
      {shown.length > 0 && (
        <dl>
          {shown.map(([name, value]) => (
            <div key={name}>
              <dt>{inWords(name)}</dt>
              <dd>{valueInWords(value)}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  )
}

/** Whether the words of a message are the server's, made of the fields of a request that has no query. */
export function isToldByFields({ code, ...fields }: RequestData, text: string): boolean {
  const first = Object.keys(fields).find(name => name !== 'assistant')
  return first === undefined ? text === `${code}:` : text.startsWith(`${code}:\n${first}: `)
}

function isSaid(value: unknown): boolean {
  return value !== null && value !== '' && !(Array.isArray(value) && value.length === 0)
}

/** `doc_type` becomes `"Doc type"`. */
function inWords(name: string): string {
  const words = name.replaceAll(/[_-]+/g, ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function valueInWords(value: unknown): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(valueInWords).join(', ')
  return JSON.stringify(value)
}
