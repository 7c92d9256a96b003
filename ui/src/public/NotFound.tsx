import { CompassIcon } from '@navikt/aksel-icons'
import { useTranslation } from 'react-i18next'
import { Empty } from '../components/states'

export function NotFound() {
  const { t } = useTranslation()
  return (
    <Empty title={t('public:notFound.title')} icon={<CompassIcon aria-hidden />} action={<a className="ds-link" href="/">{t('public:home')}</a>}>
      {t('public:notFound.text')}
    </Empty>
  )
}
