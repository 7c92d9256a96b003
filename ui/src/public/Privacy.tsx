import { Heading, Paragraph } from '@digdir/designsystemet-react'
import { useTranslation } from 'react-i18next'
import { usePageTitle } from '../components/usePageTitle'

const parts = ['controller', 'purpose', 'recipients', 'voluntary', 'rights', 'deletion'] as const

/** The privacy statement (R68): controller, purpose, recipients, voluntariness, rights, deletion. */
export default function Privacy() {
  const { t } = useTranslation()
  usePageTitle(t('public:privacyPage.title'))
  return (
    <article className="stack-6">
      <h1>{t('public:privacyPage.title')}</h1>
      {parts.map((part) => (
        <section key={part} className="stack-2">
          <Heading level={2} data-size="sm">{t(`public:privacyPage.${part}Title`)}</Heading>
          <Paragraph>{t(`public:privacyPage.${part}`)}</Paragraph>
        </section>
      ))}
    </article>
  )
}
