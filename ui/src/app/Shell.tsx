import { Button } from '@digdir/designsystemet-react'
import { LeaveIcon, MagnifyingGlassIcon, MenuHamburgerIcon, XMarkIcon } from '@navikt/aksel-icons'
import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Brand } from '../components/Brand'
import { ErrorBoundary } from '../components/ErrorBoundary'
import { Toasts } from '../components/toast'
import { signOut } from '../session/session'
import { useMe } from './MeContext'
import { allowedNavigation, type NavItem } from './navigation'
import { CommandPalette } from './CommandPalette'
import { OwnLanguage } from './OwnLanguage'
import { ShortcutsDialog, useShortcuts } from './Shortcuts'
import { StepUpDialog } from './StepUpDialog'

const groups = ['work', 'control', 'me'] as const

export function Shell() {
  const { t } = useTranslation()
  const me = useMe()
  const path = useRouterState({ select: (s) => s.location.pathname })
  const [menu, setMenu] = useState(false)
  const { palette, setPalette, help, setHelp } = useShortcuts()
  const main = useRef<HTMLElement>(null)
  const items = allowedNavigation(me)

  // A new page: the menu closes, and a screen reader begins at the top of the page.
  const before = useRef(path)
  useEffect(() => {
    if (before.current === path) return
    before.current = path
    setMenu(false)
    main.current?.focus({ preventScroll: true })
  }, [path])

  const leave = async () => {
    await signOut().catch(() => undefined)
    location.assign('/')
  }

  return (
    <div className="work" data-size="sm" data-rail={path.startsWith('/sok') || undefined}>
      <a className="skip" href="#innhold">{t('common:skip')}</a>
      <header className="work-header no-print">
        <Button icon variant="tertiary" data-color="neutral" className="menu-button" aria-expanded={menu} aria-controls="meny"
          aria-label={t(menu ? 'app:nav.close' : 'app:nav.open')} onClick={() => setMenu(!menu)}>
          {menu ? <XMarkIcon aria-hidden /> : <MenuHamburgerIcon aria-hidden />}
        </Button>
        <Brand href="/arbeid" />
        <span className="tenant">{me.tenant.name}</span>
        <div className="end">
          <button type="button" className="palette-button" onClick={() => setPalette(true)} aria-label={t('app:palette.open')}>
            <MagnifyingGlassIcon aria-hidden fontSize="1.25rem" /><span>{t('app:palette.open')}</span><kbd>Ctrl K</kbd>
          </button>
          <Button icon variant="tertiary" data-color="neutral" aria-label={t('common:signOut')} title={t('common:signOut')} onClick={() => void leave()}>
            <LeaveIcon aria-hidden />
          </Button>
        </div>
      </header>
      <nav className="side no-print" id="meny" aria-label={t('app:nav.label')} data-open={menu || undefined}>
        {groups.map((group) => {
          const shown = items.filter((item) => item.group === group)
          if (shown.length === 0) return null
          return (
            <div key={group}>
              <h2>{t(`app:nav.${group}`)}</h2>
              <ul>{shown.map((item) => <li key={item.to}><NavLink item={item} path={path} tenant={me.tenant.id} /></li>)}</ul>
            </div>
          )
        })}
        <div className="foot small soft">
          <strong>{me.name}</strong><br />
          {me.title ?? me.roles.map((r) => t(`app:role.${r.role}`)).join(', ')}
          <OwnLanguage />
        </div>
      </nav>
      <main className="work-main" id="innhold" tabIndex={-1} ref={main} data-full={path.startsWith('/sok') || undefined}>
        <ErrorBoundary key={path}><Outlet /></ErrorBoundary>
      </main>
      {palette && <CommandPalette items={items} close={() => setPalette(false)} showHelp={() => setHelp(true)} />}
      {help && <ShortcutsDialog close={() => setHelp(false)} />}
      <StepUpDialog secondFactor={me.secondFactor} />
      <Toasts />
    </div>
  )
}

function NavLink({ item, path, tenant }: { item: NavItem; path: string; tenant: string }) {
  const { t } = useTranslation()
  const Icon = item.icon
  const inner = <><Icon aria-hidden /><span>{t(`app:nav.${item.key}`)}</span></>
  if (item.external) return <a href={`${item.to}/${tenant}`} title={t(`app:nav.${item.key}`)}>{inner}</a>
  const current = path === item.to || path.startsWith(`${item.to}/`)
  return <Link to={item.to} title={t(`app:nav.${item.key}`)} aria-current={current ? 'page' : undefined}>{inner}</Link>
}
