import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Brand } from '../components/Brand'
import { LanguageChoice } from '../components/LanguageChoice'
import { homeOf } from '../session/session'
import { useWho } from './PublicSession'

export function PublicLayout({ children, wide }: { children: ReactNode; wide?: boolean | undefined }) {
  const { t } = useTranslation()
  const who = useWho()
  return (
    <div className="public">
      <a className="skip" href="#innhold">{t('common:skip')}</a>
      <header className="public-header no-print">
        <div>
          <Brand href="/" />
          <LanguageChoice />
          <nav aria-label={t('public:home')}>
            <a className="ds-link" href="/oppfolging">{t('public:followUp')}</a>
            {who.state === 'signed-in' ? (
              <a className="ds-link" href={homeOf(who.me)}>{t('public:toWork')}</a>
            ) : (
              <a className="ds-link" href="/logg-inn">{t('common:signIn')}</a>
            )}
          </nav>
        </div>
      </header>
      <main className="public-main" id="innhold" tabIndex={-1} data-wide={wide || undefined}>{children}</main>
      <footer className="public-footer no-print">
        <div>
          <span className="grow">{t('public:footer')}</span>
          <a className="ds-link" href="/personvern">{t('public:privacy')}</a>
        </div>
      </footer>
    </div>
  )
}
