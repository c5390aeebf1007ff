import type { Suggestion } from '../suggestion'
import { AssistantBadge, Avatar } from './Avatar'
import { Icon } from './Icon'

interface Props {
  list: readonly Suggestion[]
  chosen: number
  onChoose(word: string): void
  onHover(index: number): void
}

/** Steered from the text field, which keeps the focus. */
export function SuggestionMenu({ list, chosen, onChoose, onHover }: Props) {
  const label = list[0]?.kind === 'command' ? 'Commands' : 'People and assistants'
  return (
    <div class="suggestion-menu">
      <ul id="suggestion-menu" role="listbox" aria-label={label}>
        {list.map((suggestion, index) => (
          <li
            key={suggestion.word}
            id={`suggestion-${index}`}
            role="option"
            aria-selected={index === chosen}
            onMouseDown={event => event.preventDefault()}
            onClick={() => onChoose(suggestion.word)}
            onMouseMove={() => onHover(index)}
          >
            <Choice suggestion={suggestion} />
          </li>
        ))}
      </ul>
      <p class="visually-hidden" role="status">
        {list.length} suggestions
      </p>
    </div>
  )
}

function Choice({ suggestion }: { suggestion: Suggestion }) {
  switch (suggestion.kind) {
    case 'member': {
      const { id, name, kind, presence } = suggestion.member
      return (
        <>
          <Avatar id={id} name={name} kind={kind} presence={presence} size="small" />
          <span>
            {name} <span class="faded">@{id}</span>
          </span>
          {kind === 'assistant' && <AssistantBadge />}
        </>
      )
    }
    case 'absent': {
      const { id, name } = suggestion.assistant
      return (
        <>
          <Avatar id={id} name={name} kind="assistant" size="small" />
          <span>
            {name} <span class="faded">not in this room</span>
          </span>
          <AssistantBadge />
        </>
      )
    }
    case 'command':
      return (
        <>
          <Icon name="sparkle" />
          <span>
            <strong>{suggestion.word}</strong> <span class="faded">{suggestion.command.description}</span>
          </span>
        </>
      )
  }
}
