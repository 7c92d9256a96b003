import { DownloadIcon } from '@navikt/aksel-icons'
import { useTranslation } from 'react-i18next'
import { Panel } from '../../components/Page'
import { Time } from '../../components/Time'
import { fileSize } from '../report/fileSize'
import type { Case } from './api'

/** What a case by hand was made of, and the files that handlers attached to any case. */
export function Told({ c }: { c: Case }) {
  const { t } = useTranslation()
  const { manual, files = [] } = c
  if (!manual && files.length === 0) return null
  return (
    <Panel title={t(manual ? 'case:told.title' : 'case:told.files')} id="opplysninger">
      <div className="stack">
        {manual && (
          <dl className="answers">
            <div><dt>{t('queue:byHand.what')}</dt><dd className="prewrap">{manual.what}</dd></div>
            <div><dt>{t('queue:byHand.channel')}</dt><dd>{t(`queue:channel.${manual.channel}`)}</dd></div>
            <div><dt>{t('case:told.by')}</dt><dd>{manual.by.name ?? manual.by.id}</dd></div>
            {manual.occurred && <div><dt>{t('case:story.occurred')}</dt><dd><Time at={manual.occurred} form="plain" /></dd></div>}
          </dl>
        )}
        {files.length > 0 && (
          <ul className="plain stack-2" aria-label={t('case:told.files')}>
            {files.map((file) => (
              <li key={file.id} className="attachment">
                <a className="ds-link row-tight" download={file.name} href={`/api/cases/v1/cases/${c.summary.id}/attachments/${file.id}`} aria-label={t('case:story.download', { name: file.name })}>
                  <DownloadIcon aria-hidden />{file.name}
                </a>
                <span className="soft small">{fileSize(file.size, t)}</span>
                <span className="hash">{t('case:evidence.hash', { hash: file.sha256 })}</span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </Panel>
  )
}
