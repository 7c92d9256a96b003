import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../../app/MeContext'
import { PageHead } from '../../components/Page'

const tabs = [
  ['/register/leverandorer', 'vendors'], ['/register/tilgangsvinduer', 'windows'], ['/register/avtaler', 'agreements'],
  ['/register/systemer', 'systems'], ['/register/kontoer', 'accounts'], ['/register/kilder', 'sources'], ['/register/linjer', 'lines'],
] as const

export default function RegisterLayout() {
  const { t } = useTranslation()
  const mayLines = useMay('dead-letter.read')
  const path = useRouterState({ select: (s) => s.location.pathname })
  const chosen = useRef<HTMLElement>(null)
  // On a phone the row of tabs is wider than the screen: the one that is open is to be seen.
  useEffect(() => {
    chosen.current?.querySelector('[aria-current="page"]')?.scrollIntoView({ block: 'nearest', inline: 'center' })
  }, [path])
  if (/^\/register\/(leverandorer|kilder)\/./.test(path)) return <Outlet />
  return (
    <>
      <PageHead title={t('register:title')} lead={t('register:lead')} />
      <nav className="tabs-plain" ref={chosen} aria-label={t('register:title')}>
        {tabs.filter(([, key]) => key !== 'lines' || mayLines).map(([to, key]) => <Link key={to} to={to} aria-current={path.startsWith(to) ? 'page' : undefined}>{t(`register:tabs.${key}`)}</Link>)}
      </nav>
      <Outlet />
    </>
  )
}
