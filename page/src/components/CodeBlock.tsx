import { CopyButton } from './CopyButton'

/** The first word after the fence names the language; the rest is for other renderers. */
export function CodeBlock({ text, language }: { text: string; language: string }) {
  const name = language.split(/\s/)[0] || 'text'
  return (
    <figure class="code">
      <figcaption>
        <span>{name}</span>
        <CopyButton text={text} label="Copy code" withText />
      </figcaption>
      <pre tabIndex={0} aria-label={`Code, ${name}`} role="region">
        <code>{text}</code>
      </pre>
    </figure>
  )
}
