import { Link, useRouterState } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'

export function CaseTabs() {
  const { t } = useTranslation()
  const path = useRouterState({ select: (s) => s.location.pathname })
  return (
    <nav className="tabs-plain" aria-label={t('queue:title')}>
      <Link to="/saker" activeOptions={{ exact: true }} aria-current={path === '/saker' ? 'page' : undefined}>{t('queue:tabQueue')}</Link>
      <Link to="/saker/alle" aria-current={path === '/saker/alle' ? 'page' : undefined}>{t('queue:tabAll')}</Link>
    </nav>
  )
}
