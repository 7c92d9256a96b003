import '../styles/work.css'
import '../styles/dialogue.css'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { asProblem, onSignedOut } from '../api/client'
import { ErrorBoundary } from '../components/ErrorBoundary'
import { Failed } from '../components/states'
import { currentLanguage, loadTexts, setLanguage } from '../i18n'
import '../i18n/workplace'
import { loadMe, loadSession } from '../session/session'
import { MeContext } from './MeContext'
import { makeRouter } from './router'

function toSignIn(expired: boolean): void {
  const to = location.pathname + location.search
  location.assign(`/logg-inn?til=${encodeURIComponent(to)}${expired ? '&utlopt' : ''}`)
}

/** The half that one works in. Without a session it leads to the sign-in page and back. */
export async function mount(element: HTMLElement): Promise<void> {
  const root = createRoot(element)
  try {
    const [session] = await Promise.all([loadSession(), loadTexts('app', 'reason', 'refusal')])
    if (!session.signedIn) return toSignIn(false)
    const me = await loadMe()
    if (me.mustChangePassword) return toSignIn(false)
    // The account's language counts here; where it cannot be fetched the one at hand is better than no page.
    if (me.language && me.language !== currentLanguage()) await setLanguage(me.language).catch(() => undefined)
    onSignedOut(() => toSignIn(true))
    const queries = new QueryClient({
      defaultOptions: {
        queries: {
          staleTime: 10_000,
          // What the server refused will be refused again; what it could not do now it may do soon.
          retry: (count, error) => count < 2 && asProblem(error).temporary,
        },
      },
    })
    const router = makeRouter(me, queries)
    root.render(
      <StrictMode>
        <ErrorBoundary>
          <QueryClientProvider client={queries}>
            <MeContext value={me}>
              <RouterProvider router={router} />
            </MeContext>
          </QueryClientProvider>
        </ErrorBoundary>
      </StrictMode>,
    )
  } catch (error) {
    root.render(<Failed error={error} retry={() => location.reload()} />)
  }
}
