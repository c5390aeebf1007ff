/** Markdown as nodes: the lexer's tokens become elements, never HTML text, so nothing in it can be executed. */

import { lexer, type Token, type Tokens } from 'marked'
import { type ComponentChildren, createContext, h } from 'preact'
import { useContext, useMemo } from 'preact/hooks'

import { splitCitations } from '../citation'
import { splitMentions } from '../mention'
import { roomPath } from '../router'
import { CodeBlock } from './CodeBlock'

/** Answers a member's id as it is written for an id in any case. */
export type KnownMember = (id: string) => string | undefined

interface References {
  known: KnownMember
  /** Goes to a message by its seq; without it citations are text, as in what people write. */
  onCite: ((seq: number) => void) | undefined
}

const ReferenceContext = createContext<References>({ known: () => undefined, onCite: undefined })

/** What a link in a message may lead to; anything else is shown as it was typed. */
const SAFE_LINK = /^(?:https?:\/\/|mailto:)/i
/** Headings inside a message stand below the page's own. */
const HEADING_OFFSET = 2

interface Props {
  source: string
  known: KnownMember
  onCite?: ((seq: number) => void) | undefined
}

export function Markdown({ source, known, onCite }: Props) {
  const tokens = useMemo(() => lexer(source, { gfm: true, breaks: true }), [source])
  const references = useMemo(() => ({ known, onCite }), [known, onCite])
  return (
    <ReferenceContext.Provider value={references}>
      <div class="markdown">{nodes(tokens)}</div>
    </ReferenceContext.Provider>
  )
}

function nodes(tokens: readonly Token[] | undefined): ComponentChildren {
  return tokens?.map((token, index) => <Node key={index} token={token} />)
}

type Draw = (token: never) => ComponentChildren

const DRAW: Record<string, Draw> = {
  space: () => null,
  def: () => null,
  br: () => <br />,
  hr: () => <hr />,
  paragraph: (token: Tokens.Paragraph) => <p>{nodes(token.tokens)}</p>,
  heading: (token: Tokens.Heading) =>
    h(`h${Math.min(6, token.depth + HEADING_OFFSET)}`, null, nodes(token.tokens)),
  blockquote: (token: Tokens.Blockquote) => <blockquote>{nodes(token.tokens)}</blockquote>,
  list: (token: Tokens.List) => <List token={token} />,
  table: (token: Tokens.Table) => <Table token={token} />,
  code: (token: Tokens.Code) => <CodeBlock text={token.text} language={token.lang ?? ''} />,
  codespan: (token: Tokens.Codespan) => <code>{token.text}</code>,
  strong: (token: Tokens.Strong) => <strong>{nodes(token.tokens)}</strong>,
  em: (token: Tokens.Em) => <em>{nodes(token.tokens)}</em>,
  del: (token: Tokens.Del) => <del>{nodes(token.tokens)}</del>,
  link: (token: Tokens.Link) => <Link token={token} />,
  escape: (token: Tokens.Escape) => token.text,
  text: (token: Tokens.Text) => (token.tokens ? nodes(token.tokens) : <PlainText text={token.text} />),
}

/** HTML, images and whatever a later lexer adds are shown as the text that was typed. */
function Node({ token }: { token: Token }) {
  const draw = DRAW[token.type]
  return <>{draw ? draw(token as never) : <PlainText text={token.raw} />}</>
}

function PlainText({ text }: { text: string }) {
  const { known } = useContext(ReferenceContext)
  return (
    <>
      {splitMentions(text, known).map((part, index) =>
        part.mention === null ? (
          <CitingText key={index} text={part.text} />
        ) : (
          <span key={index} class="mention">
            {part.text}
          </span>
        ),
      )}
    </>
  )
}

function CitingText({ text }: { text: string }) {
  const { onCite } = useContext(ReferenceContext)
  if (!onCite) return <>{text}</>
  return (
    <>
      {splitCitations(text).map(({ text: shown, seq }, index) =>
        seq === null ? (
          shown
        ) : (
          <button
            key={index}
            type="button"
            class="citation"
            aria-label={`Message ${seq}`}
            onClick={() => onCite(seq)}
          >
            #{seq}
          </button>
        ),
      )}
    </>
  )
}

function List({ token }: { token: Tokens.List }) {
  const items = token.items.map((item, index) => (
    <li key={index} class={item.task ? 'task' : undefined}>
      {item.task && <input type="checkbox" checked={item.checked ?? false} disabled aria-label="Task" />}
      {nodes(item.tokens.filter(each => each.type !== 'checkbox'))}
    </li>
  ))
  return token.ordered ? <ol start={token.start || 1}>{items}</ol> : <ul>{items}</ul>
}

function Table({ token }: { token: Tokens.Table }) {
  return (
    <div class="table" tabIndex={0} role="region" aria-label="Table">
      <table>
        <thead>
          <tr>
            {token.header.map((cell, index) => (
              <th key={index} scope="col">
                {nodes(cell.tokens)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {token.rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={column}>{nodes(cell.tokens)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Link({ token }: { token: Tokens.Link }) {
  const inPage = ownAddress(token.href)
  if (inPage) return <a href={inPage}>{nodes(token.tokens)}</a>
  if (!SAFE_LINK.test(token.href)) return <>{token.raw}</>
  return (
    <a href={token.href} target="_blank" rel="noopener noreferrer">
      {nodes(token.tokens)}
    </a>
  )
}

/** A link to a room of this very server opens in this page. */
function ownAddress(href: string): string | null {
  const prefix = `${globalThis.location?.origin ?? ''}${roomPath('')}`
  return globalThis.location && href.startsWith(prefix) ? href.slice(location.origin.length) : null
}
