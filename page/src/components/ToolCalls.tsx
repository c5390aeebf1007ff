import type { ToolCallData } from '../protocol'
import { argumentsInLines } from '../receipt'

const STATES: Record<ToolCallData['state'], string> = {
  running: 'running',
  done: 'done',
  failed: 'failed',
  refused: 'not approved',
}

/** What an assistant used: each tool with what it was given and what came back. */
export function ToolCalls({ tools }: { tools: readonly ToolCallData[] }) {
  return (
    <ol class="tool-calls" aria-label="Tools">
      {tools.map((tool, index) => (
        <li key={index}>
          <p>
            <code>{tool.name}</code>{' '}
            <span class={`tool-state tool-${tool.state}`}>
              {STATES[tool.state]}
              {tool.acting && ', acts outside this room'}
            </span>
          </p>
          <Content label="Given" text={argumentsInLines(tool.arguments)} />
          {tool.result !== undefined && <Content label="Result" text={tool.result} />}
        </li>
      ))}
    </ol>
  )
}

/** A labelled text as it is; nothing where there is none. */
export function Content({ label, text }: { label: string; text: string }) {
  if (text === '' || text === '{}') return null
  return (
    <div class="tool-content">
      <span class="faded">{label}</span>
      <pre>{text}</pre>
    </div>
  )
}
