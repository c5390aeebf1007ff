import type { Member, Room } from '../room'
import { Icon } from './Icon'

/** What to ask an assistant that the page knows; any other is asked what it can do. */
const QUESTIONS: Record<string, readonly string[]> = {
  guide: ['what can you help with?', 'who is here?', 'what did I miss?'],
  haitch: [
    'which requirements does a handheld scanner for cold stores need?',
    'compare CNC milling and injection moulding for 2,000 housings',
    'draft a test plan for a USB-C charging port',
  ],
}
const ANY_QUESTION = ['what can you do in this room?']
const MOST_QUESTIONS = 4

/** Nobody has said anything yet: something to begin with. */
export function EmptyRoom({ room, onSuggest }: { room: Room; onSuggest(text: string): void }) {
  const assistants = [...room.members.values()].filter(member => member.kind === 'assistant')
  const questions = assistants.flatMap(questionsFor).slice(0, MOST_QUESTIONS)
  return (
    <div class="empty">
      <h2>
        This is <strong>#{room.id}</strong>
      </h2>
      {questions.length > 0 ? (
        <>
          <p>
            Say hello, or ask {listOf(assistants)}. Mention an assistant with <kbd>@</kbd>, and everybody here
            reads the answer.
          </p>
          <ul class="suggestions" aria-label="Suggestions">
            {questions.map(text => (
              <li key={text}>
                <button type="button" class="suggestion" onClick={() => onSuggest(text)}>
                  <Icon name="sparkle" /> {text}
                </button>
              </li>
            ))}
          </ul>
        </>
      ) : (
        <p>Say the first word. Share this page’s address to bring others here.</p>
      )}
    </div>
  )
}

function questionsFor(assistant: Member): string[] {
  return (QUESTIONS[assistant.id] ?? ANY_QUESTION).map(question => `@${assistant.id} ${question}`)
}

function listOf(members: readonly Member[]): string {
  return new Intl.ListFormat(undefined, { type: 'disjunction' }).format(members.map(member => member.name))
}
