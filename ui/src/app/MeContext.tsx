import { createContext, useContext } from 'react'
import type { Me } from '../session/session'
import { may } from '../session/session'

export const MeContext = createContext<Me | undefined>(undefined)

/** Who is signed in. Only below the workplace's root. */
export function useMe(): Me {
  const me = useContext(MeContext)
  if (!me) throw new Error('useMe outside the workplace')
  return me
}

export function useMay(action: string): boolean {
  return may(useContext(MeContext), action)
}
