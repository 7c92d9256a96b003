import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { PageHead } from '../../components/Page'

const tabs = [
  ['/register/leverandorer', 'vendors'], ['/register/tilgangsvinduer', 'windows'], ['/register/avtaler', 'agreements'],
  ['/register/systemer', 'systems'], ['/register/kontoer', 'accounts'], ['/register/kilder', 'sources'],
] as const

export default function RegisterLayout() {
  const { t } = useTranslation()
  const path = useRouterState({ select: (s) => s.location.pathname })
  if (/^\/register\/leverandorer\/./.test(path)) return <Outlet />
  return (
    <>
      <PageHead title={t('register:title')} lead={t('register:lead')} />
      <nav className="tabs-plain" aria-label={t('register:title')}>
        {tabs.map(([to, key]) => <Link key={to} to={to} aria-current={path.startsWith(to) ? 'page' : undefined}>{t(`register:tabs.${key}`)}</Link>)}
      </nav>
      <Outlet />
    </>
  )
}
