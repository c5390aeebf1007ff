import { useCallback, useRef, useState } from 'preact/hooks'

export interface Trying {
  isTrying: boolean
  /** Why the last attempt failed, in the server's words. */
  problem: string | null
  /** Does the work, unless some is under way; never rejects. */
  attempt(work: () => Promise<void>): Promise<void>
}

/** Something that is asked of the server at a press: under way, done, or refused for a reason. */
export function useTrying(): Trying {
  const isBusy = useRef(false)
  const [isTrying, setTrying] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)
  const attempt = useCallback(async (work: () => Promise<void>) => {
    if (isBusy.current) return
    isBusy.current = true
    setTrying(true)
    setProblem(null)
    try {
      await work()
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error))
    } finally {
      isBusy.current = false
      setTrying(false)
    }
  }, [])
  return { isTrying, problem, attempt }
}
