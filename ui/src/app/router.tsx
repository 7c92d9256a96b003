import type { QueryClient } from '@tanstack/react-query'
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router'
import { Empty, Failed, Loading } from '../components/states'
import { loadTexts, i18n } from '../i18n'
import { homeOf, type Me } from '../session/session'
import { Shell } from './Shell'

type Context = { me: Me; queries: QueryClient }

const root = createRootRouteWithContext<Context>()({
  component: Shell,
  errorComponent: ({ error, reset }) => <Failed error={error} retry={reset} />,
  notFoundComponent: () => <Empty title={i18n.t('common:failed.notFoundTitle')}>{i18n.t('problem:not-found')}</Empty>,
})

/** Fetches the texts of a page's features before it is drawn. */
const texts = (...features: string[]) => () => loadTexts(...features)

const queue = createRoute({ getParentRoute: () => root, path: '/saker', loader: texts('queue', 'case'), component: lazyRouteComponent(() => import('../features/queue/QueuePage')) })
const allCases = createRoute({ getParentRoute: () => root, path: '/saker/alle', loader: texts('queue', 'case'), component: lazyRouteComponent(() => import('../features/queue/AllCasesPage')) })
const oneCase = createRoute({ getParentRoute: () => root, path: '/saker/$caseId', loader: texts('queue', 'case'), component: lazyRouteComponent(() => import('../features/case/CasePage')) })
const searchPage = createRoute({
  getParentRoute: () => root, path: '/sok', loader: texts('search', 'queue'),
  validateSearch: (search: Record<string, unknown>): { sak?: string } => (typeof search.sak === 'string' ? { sak: search.sak } : {}),
  component: lazyRouteComponent(() => import('../features/search/SearchPage')),
})
const searchView = createRoute({ getParentRoute: () => root, path: '/sok/$viewId', loader: texts('search', 'queue'), component: lazyRouteComponent(() => import('../features/search/SearchPage')) })
const register = createRoute({ getParentRoute: () => root, path: '/register', loader: texts('register'), component: lazyRouteComponent(() => import('../features/register/RegisterLayout')) })
const registerIndex = createRoute({ getParentRoute: () => register, path: '/', beforeLoad: () => { throw redirect({ to: '/register/leverandorer' }) } })
const vendors = createRoute({ getParentRoute: () => register, path: 'leverandorer', component: lazyRouteComponent(() => import('../features/register/VendorsPage')) })
const vendor = createRoute({ getParentRoute: () => register, path: 'leverandorer/$id', component: lazyRouteComponent(() => import('../features/register/VendorPage')) })
const agreements = createRoute({ getParentRoute: () => register, path: 'avtaler', component: lazyRouteComponent(() => import('../features/register/AgreementsPage')) })
const windows = createRoute({ getParentRoute: () => register, path: 'tilgangsvinduer', component: lazyRouteComponent(() => import('../features/register/WindowsPage')) })
const systems = createRoute({ getParentRoute: () => register, path: 'systemer', component: lazyRouteComponent(() => import('../features/register/SystemsPage')) })
const accounts = createRoute({ getParentRoute: () => register, path: 'kontoer', component: lazyRouteComponent(() => import('../features/register/AccountsPage')) })
const source = createRoute({ getParentRoute: () => register, path: 'kilder/$id', component: lazyRouteComponent(() => import('../features/register/SourcePage')) })
const sources = createRoute({ getParentRoute: () => register, path: 'kilder', component: lazyRouteComponent(() => import('../features/register/SourcesPage')) })
const mapping = createRoute({
  getParentRoute: () => register, path: 'kilder/kartlegging', loader: texts('mapping', 'directory'),
  validateSearch: (search: Record<string, unknown>): { kilde?: string } => (typeof search.kilde === 'string' ? { kilde: search.kilde } : {}),
  component: lazyRouteComponent(() => import('../features/mapping/MappingPage')),
})
const unread = createRoute({ getParentRoute: () => register, path: 'linjer', loader: texts('reparse', 'reason'), component: lazyRouteComponent(() => import('../features/reparse/ReparsePage')) })
const organisation = createRoute({ getParentRoute: () => root, path: '/organisasjon', loader: texts('admin', 'directory'), component: lazyRouteComponent(() => import('../features/admin/OrganisationPage')) })
const health = createRoute({ getParentRoute: () => root, path: '/drift', loader: texts('admin'), component: lazyRouteComponent(() => import('../features/admin/HealthPage')) })
const audit = createRoute({ getParentRoute: () => root, path: '/revisjon', loader: texts('audit'), component: lazyRouteComponent(() => import('../features/audit/AuditPage')) })
const holds = createRoute({ getParentRoute: () => root, path: '/sikring', loader: texts('holds', 'directory'), component: lazyRouteComponent(() => import('../features/holds/HoldsPage')) })
const mine = createRoute({ getParentRoute: () => root, path: '/mine', loader: texts('mine', 'followup', 'report'), component: lazyRouteComponent(() => import('../features/mine/MinePage')) })
const mineOne = createRoute({ getParentRoute: () => root, path: '/mine/$reportId', loader: texts('mine', 'followup', 'report'), component: lazyRouteComponent(() => import('../features/mine/MyReportPage')) })
const account = createRoute({ getParentRoute: () => root, path: '/konto', loader: texts('account', 'directory'), component: lazyRouteComponent(() => import('../features/account/AccountPage')) })
const home = createRoute({ getParentRoute: () => root, path: '/arbeid', beforeLoad: ({ context }) => { throw redirect({ to: homeOf(context.me) }) } })

const tree = root.addChildren([
  home, queue, allCases, oneCase, searchPage, searchView,
  register.addChildren([registerIndex, vendors, vendor, agreements, windows, systems, accounts, sources, source, mapping, unread]),
  organisation, health, audit, holds, mine, mineOne, account,
])

export function makeRouter(me: Me, queries: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { me, queries },
    defaultPreload: 'intent',
    defaultPendingMs: 200,
    defaultPendingComponent: () => <Loading rows={5} />,
    scrollRestoration: true,
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>
  }
}
