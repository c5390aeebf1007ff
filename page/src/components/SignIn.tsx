/** For those who have an account: email and password. */

import { useState } from 'preact/hooks'

import { ApiError } from '../api'
import { type Entrance, signIn } from '../session'

export function SignIn({ onEntrance }: { onEntrance(entrance: Entrance): void }) {
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const [isBusy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)
  const enter = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    try {
      onEntrance(await signIn(email, password))
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      setProblem(error.message)
      setBusy(false)
    }
  }
  return (
    <form class="sign-in" aria-label="Sign in" onSubmit={event => void enter(event)}>
      <label for="email">Email</label>
      <input
        id="email"
        type="email"
        value={email}
        autocomplete="username"
        required
        onInput={event => setEmail(event.currentTarget.value)}
      />
      <label for="password">Password</label>
      <input
        id="password"
        type="password"
        value={password}
        autocomplete="current-password"
        required
        onInput={event => setPassword(event.currentTarget.value)}
      />
      {problem && (
        <p class="is-error" role="alert">
          {problem}
        </p>
      )}
      <button class="button-primary" disabled={isBusy}>
        Sign in
      </button>
    </form>
  )
}
