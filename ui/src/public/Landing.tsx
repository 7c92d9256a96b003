import { BellIcon, ChatElipsisIcon, EnterIcon, FolderIcon } from '@navikt/aksel-icons'
import { useTranslation } from 'react-i18next'
import { usePageTitle } from '../components/usePageTitle'
import { useWho } from './PublicSession'

export function Landing() {
  const { t } = useTranslation()
  const who = useWho()
  usePageTitle(t('public:landing.report'))
  return (
    <>
      <div className="hero">
        <h1>{t('public:landing.title')}</h1>
        <p>{t('public:landing.lead')}</p>
      </div>
      <div className="doors">
        <a className="door" href="/meld" data-main>
          <strong><BellIcon aria-hidden />{t('public:landing.report')}</strong>
          <span>{t('public:landing.reportHelp')}</span>
        </a>
        <a className="door" href="/oppfolging">
          <strong><ChatElipsisIcon aria-hidden />{t('public:landing.followUp')}</strong>
          <span>{t('public:landing.followUpHelp')}</span>
        </a>
        {who.state === 'signed-in' ? (
          <a className="door" href="/mine">
            <strong><FolderIcon aria-hidden />{t('public:landing.mine')}</strong>
            <span>{t('public:landing.mineHelp')}</span>
          </a>
        ) : (
          <a className="door" href="/logg-inn">
            <strong><EnterIcon aria-hidden />{t('public:landing.signIn')}</strong>
            <span>{t('public:landing.signInHelp')}</span>
          </a>
        )}
      </div>
    </>
  )
}
