import { createContext, type ReactNode, useContext, useEffect, useState } from 'react'
import { loadMe, loadSession, type Me } from '../session/session'

export type Who = { state: 'unknown' | 'anonymous' } | { state: 'signed-in'; me: Me }

const Context = createContext<Who>({ state: 'unknown' })

/** Finds out in the background whether the person is signed in; nothing waits for it but what needs it. */
export function SessionProvider({ children }: { children: ReactNode }) {
  const [who, setWho] = useState<Who>({ state: 'unknown' })
  useEffect(() => {
    let live = true
    loadSession()
      .then(async (session): Promise<Who> => (session.signedIn ? { state: 'signed-in', me: await loadMe() } : { state: 'anonymous' }))
      .catch((): Who => ({ state: 'anonymous' }))
      .then((found) => live && setWho(found))
    return () => { live = false }
  }, [])
  return <Context value={who}>{children}</Context>
}

export function useWho(): Who {
  return useContext(Context)
}
