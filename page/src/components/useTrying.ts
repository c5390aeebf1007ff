import { useCallback, useRef, useState } from 'preact/hooks'

export interface Trying {
  isTrying: boolean
  /** Why the last attempt failed, in the server's words. */
  problem: string | null
  /** Does the work after what was attempted before; never rejects. */
  attempt(work: () => Promise<void>): Promise<void>
}

/** What is asked of the server at a press: under way, done, or refused for a reason. */
export function useTrying(): Trying {
  const last = useRef(Promise.resolve())
  const [isTrying, setTrying] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)
  const attempt = useCallback((work: () => Promise<void>) => {
    const run = async () => {
      setTrying(true)
      setProblem(null)
      try {
        await work()
      } catch (error) {
        setProblem(error instanceof Error ? error.message : String(error))
      } finally {
        setTrying(false)
      }
    }
    last.current = last.current.then(run)
    return last.current
  }, [])
  return { isTrying, problem, attempt }
}
