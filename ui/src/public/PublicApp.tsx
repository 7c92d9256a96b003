import { type ComponentType, lazy, Suspense } from 'react'
import { ErrorBoundary } from '../components/ErrorBoundary'
import { Loading } from '../components/states'
import { Toasts } from '../components/toast'
import { Landing } from './Landing'
import { NotFound } from './NotFound'
import { PublicLayout } from './PublicLayout'
import { SessionProvider } from './PublicSession'

type Page = { match: RegExp; texts: string[]; wide?: boolean; view: ComponentType<{ tenant?: string }> }

// Plain addresses and plain links: these pages hang loosely together, and a
// router would weigh more than the whole report form.
const pages: Page[] = [
  { match: /^\/$/, texts: [], wide: true, view: Landing },
  { match: /^\/meld(?:\/([a-z][a-z0-9-]{1,31}))?\/?$/, texts: ['report'], view: lazy(() => import('../features/report/ReportPage')) },
  { match: /^\/oppfolging\/?$/, texts: ['followup'], view: lazy(() => import('../features/followup/FollowUpByCode')) },
  { match: /^\/logg-inn\/?$/, texts: ['signin'], view: lazy(() => import('../features/signin/SignInPage')) },
  { match: /^\/personvern\/?$/, texts: [], view: lazy(() => import('./Privacy')) },
]

function pageFor(path: string): Page | undefined {
  return pages.find((page) => page.match.test(path))
}

/** The text files that the page at an address needs. */
export function textsFor(path: string): string[] {
  return pageFor(path)?.texts ?? []
}

export function PublicApp({ path }: { path: string }) {
  const page = pageFor(path)
  const tenant = page?.match.exec(path)?.[1]
  const View = page?.view ?? NotFound
  return (
    <SessionProvider>
      <PublicLayout wide={page?.wide}>
        <ErrorBoundary>
          <Suspense fallback={<Loading rows={3} />}>
            <View {...(tenant ? { tenant } : {})} />
          </Suspense>
        </ErrorBoundary>
      </PublicLayout>
      <Toasts />
    </SessionProvider>
  )
}
