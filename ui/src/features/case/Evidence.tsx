import { Tag } from '@digdir/designsystemet-react'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useMay } from '../../app/MeContext'
import { Panel } from '../../components/Page'
import { Failed, Loading } from '../../components/states'
import { Time } from '../../components/Time'
import type { Case, Schemas } from './api'

type Result = { isPending: boolean; isError: boolean; error: unknown; data?: Schemas['EvidenceList'] | undefined; refetch: () => unknown }

/** The log lines the case rests on, each with its hash. Text of logs is shown as text, never as markup. */
export function Evidence({ c, result }: { c: Case; result: Result }) {
  const { t } = useTranslation()
  const maySearch = useMay('event.search')
  const items = result.data?.items ?? []
  if (!result.isPending && !result.isError && items.length === 0 && c.findings.length === 0) return null
  return (
    <Panel title={t('case:evidence.title')} id="logg" actions={maySearch && <Link className="ds-link" to="/sok" search={{ sak: c.summary.id }}>{t('case:evidence.search')}</Link>}>
      {result.isPending ? <Loading rows={3} /> : result.isError ? <Failed error={result.error} retry={() => void result.refetch()} /> : items.length === 0 ? <p className="soft">{t('case:evidence.none')}</p> : (
        <div>
          {items.map((item) => {
            const provenance = item.evidence.provenance
            return (
              <div className="evidence" key={item.id}>
                <span className="row-tight">
                  <strong className="numeric"><Time at={item.evidence.time} form="exact" /></strong>
                  {item.evidence.host && <span className="soft">{item.evidence.host}</span>}
                  <Tag data-size="sm" data-color={item.source === 'pinned' ? 'info' : 'neutral'}>{t(item.source === 'pinned' ? 'case:evidence.pinned' : 'case:evidence.fromFinding')}</Tag>
                  {provenance && <span className="soft small">{t(`case:evidence.provenance.${provenance}`, provenance)}</span>}
                </span>
                {item.evidence.original !== undefined ? <code className="logline">{item.evidence.original}</code> : <p className="soft small">{t('case:evidence.hidden')}</p>}
                {item.note && <p>{item.note}</p>}
                <span className="hash">{t('case:evidence.hash', { hash: item.evidence.sha256 })}</span>
              </div>
            )
          })}
        </div>
      )}
    </Panel>
  )
}
