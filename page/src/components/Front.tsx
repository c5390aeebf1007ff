/** What is seen before one is in: choose a name, accept an invitation, sign in, or learn how to get in. */

import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'

import { Api } from '../api'
import { chooseName } from '../identity'
import { userIdFromName } from '../ids'
import { navigate } from '../router'
import { accept, type Entrance } from '../session'
import { SignIn } from './SignIn'

interface Props {
  entrance: Exclude<Entrance, { kind: 'in' }>
  onEntrance(entrance: Entrance): void
  onRetry(): void
}

export function Front({ entrance, onEntrance, onRetry }: Props) {
  switch (entrance.kind) {
    case 'looking':
      return <main class="front" aria-busy="true" aria-label="Loading" />
    case 'choose-name':
      return <ChooseName onEntrance={onEntrance} />
    case 'invited':
      return <Invited entrance={entrance} onEntrance={onEntrance} />
    case 'not-invited':
      return <NotInvited why={entrance.why} onEntrance={onEntrance} />
    case 'unreachable':
      return (
        <Card title="The server does not answer">
          <p>{entrance.why} Is it running, and are you in its network?</p>
          <button type="button" class="button-primary" onClick={onRetry}>
            Try again
          </button>
        </Card>
      )
  }
}

function ChooseName({ onEntrance }: Pick<Props, 'onEntrance'>) {
  const [name, setName] = useState('')
  const userId = userIdFromName(name)
  const enter = (event: Event) => {
    event.preventDefault()
    const identity = chooseName(localStorage, name)
    if (identity) onEntrance({ kind: 'in', identity, api: new Api(identity.userId) })
  }
  return (
    <Card title="What should we call you?">
      <p>Rooms where your team and AI assistants work things out together.</p>
      <form onSubmit={enter}>
        <label for="name">Your name</label>
        <input
          id="name"
          value={name}
          maxLength={80}
          autocomplete="name"
          placeholder="Ana Moreira"
          aria-describedby="name-hint"
          autofocus
          onInput={event => setName(event.currentTarget.value)}
        />
        <p id="name-hint" class="hint">
          {userId ? (
            <>
              Others mention you as <strong>@{userId}</strong>.
            </>
          ) : (
            'Kept in this browser. There is no password.'
          )}
        </p>
        <button class="button-primary" disabled={!userId}>
          Come in
        </button>
      </form>
    </Card>
  )
}

function Invited({
  entrance,
  onEntrance,
}: { entrance: Extract<Entrance, { kind: 'invited' }> } & Pick<Props, 'onEntrance'>) {
  const [isBusy, setBusy] = useState(false)
  const enter = async () => {
    setBusy(true)
    const next = await accept(entrance.code)
    if (next.kind === 'in') navigate('/', 'replace')
    onEntrance(next)
  }
  return (
    <Card title={`Welcome, ${entrance.invitation.name}`}>
      <p>You are invited to this team’s chat. The invitation works once, and signs this browser in.</p>
      <button type="button" class="button-primary" disabled={isBusy} onClick={() => void enter()}>
        Come in
      </button>
    </Card>
  )
}

const NOT_INVITED = {
  none: {
    title: 'You need an invitation',
    text:
      'This chat lets people in by invitation. Ask whoever runs it for a link, and open it in this browser. ' +
      'With an account, sign in:',
  },
  used: {
    title: 'This invitation no longer works',
    text: 'An invitation works once, within 24 hours. Ask whoever sent it for a new one. With an account, sign in:',
  },
  expired: {
    title: 'You have been signed out',
    text: 'Your access has run out. Ask whoever runs this chat for a new link, or sign in with your account:',
  },
}

function NotInvited({ why, onEntrance }: { why: keyof typeof NOT_INVITED } & Pick<Props, 'onEntrance'>) {
  const { title, text } = NOT_INVITED[why]
  return (
    <Card title={title}>
      <p>{text}</p>
      <SignIn onEntrance={onEntrance} />
      <p class="hint">
        Whoever runs it invites with <code>productflo invite NAME</code>, and makes accounts with{' '}
        <code>productflo user add EMAIL</code>.
      </p>
    </Card>
  )
}

function Card({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <main class="front">
      <div class="card">
        <p class="brand">
          <Logo /> ProductFlo chat
        </p>
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  )
}

export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="9" />
      <path d="M8 10.500A2.5 2.5 0 0 1 10.5 8h11a2.5 2.5 0 0 1 2.5 2.500v7a2.5 2.5 0 0 1-2.5 2.500H15l-4.6 3.600c-.6.5-1.4.1-1.4-.7V20a2 2 0 0 1-1-1.700z" />
    </svg>
  )
}
