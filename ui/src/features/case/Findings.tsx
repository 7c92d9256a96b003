import { useQueries } from '@tanstack/react-query'
import { Tag } from '@digdir/designsystemet-react'
import { useTranslation } from 'react-i18next'
import { data, register } from '../../api/client'
import { useMay } from '../../app/MeContext'
import { Panel } from '../../components/Page'
import { useReason } from '../../components/reason'
import { SeverityTag } from '../../components/tags'
import { Time } from '../../components/Time'
import type { Case, Schemas } from './api'
import { SessionTimeline } from './SessionTimeline'

const badAgreement = new Set(['agreement-expired', 'agreement-missing', 'agreement-unsigned', 'agreement-not-yet-valid'])
const badWindow = new Set(['outside-window', 'failed-outside-window', 'window-not-approved', 'window-revoked', 'window-duration-over', 'person-not-in-window'])

function unique(values: (string | undefined)[]): string[] {
  return [...new Set(values.filter((v): v is string => Boolean(v)))]
}

/** What the machine found: who, which vendor, which agreement, which window; when; and each finding in a sentence. */
export function Findings({ c, evidence }: { c: Case; evidence: Schemas['CaseEvidence'][] }) {
  const { t } = useTranslation()
  const reason = useReason()
  const mayRegister = useMay('register.read')
  const active = c.findings.filter((f) => !f.withdrawn)
  const slugs = new Set(active.map((f) => f.reason.slug))
  const windowIds = unique(c.findings.map((f) => f.window?.id))
  const windows = useQueries({
    queries: windowIds.map((id) => ({
      queryKey: ['window', id], enabled: mayRegister,
      queryFn: () => data(() => register.GET('/v1/windows/{id}', { params: { path: { id } } })),
    })),
  })
  if (c.findings.length === 0) return null
  const persons = unique(c.findings.flatMap((f) => (f.persons ?? []).map((p) => p.name ?? p.id)))
  const accounts = unique(c.findings.flatMap((f) => f.accounts ?? []))
  const addresses = unique(c.findings.flatMap((f) => f.addresses ?? []))
  const agreement = c.findings.find((f) => f.agreement)?.agreement
  const stated = active.map((f) => f.reason.params?.agreement).find(Boolean)
  const vendorCase = c.summary.vendor !== undefined
  const noAgreement = [...badAgreement].some((s) => slugs.has(s)) || stated === 'missing' || stated === 'expired' || stated === 'unsigned'
  const outside = [...badWindow].some((s) => slugs.has(s))
  const hidden = c.findings.every((f) => f.persons === undefined && f.accounts === undefined)
  const spans = windows.flatMap((w) => (w.data ? [{ from: w.data.item.data.from, to: w.data.item.data.to }] : []))
  const ticks = evidence.map(({ evidence: e }) => ({ at: e.time, ok: e.outcome === 'success', label: e.account ?? '' })).sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
  const fallback = active.length > 0 || c.findings.length > 0 ? c.findings.map((f) => ({ at: f.time, ok: f.reason.slug !== 'failed-without-lock', label: f.rule })) : []

  return (
    <Panel title={t('case:finding.title')} id="funn">
      <div className="stack-6">
        <div className="verdict">
          <Tile k={t('case:finding.who')} v={hidden ? t('case:finding.hiddenPerson') : persons.join(', ') || t('case:finding.unknownPerson')} bad={slugs.has('not-on-access-list') || slugs.has('person-conflict')} />
          {!hidden && accounts.length > 0 && <Tile k={t('case:finding.account')} v={accounts.join(', ')} mono />}
          {c.summary.vendor && <Tile k={t('case:finding.vendor')} v={c.summary.vendor.name ?? c.summary.vendor.id} />}
          {c.summary.system && <Tile k={t('case:finding.system')} v={c.summary.system.name ?? c.summary.system.id} />}
          {vendorCase && <Tile k={t('case:finding.agreement')} v={noAgreement ? (agreement?.name ?? t('case:finding.noAgreement')) : agreement?.name ?? t('case:finding.hasAgreement')} bad={noAgreement} good={!noAgreement} />}
          {vendorCase && <Tile k={t('case:finding.window')} v={outside ? t('case:finding.noWindow') : t('case:finding.hasWindow')} bad={outside} good={!outside} />}
          {!hidden && addresses.length > 0 && <Tile k={t('case:finding.address')} v={addresses.join(', ')} mono />}
        </div>
        <SessionTimeline ticks={ticks.length > 0 ? ticks : fallback} spans={spans} />
        <ul className="plain stack-2" aria-label={t('case:finding.list')}>
          {c.findings.map((finding) => (
            <li key={finding.id} className="finding" data-withdrawn={finding.withdrawn || undefined}>
              <span className="row-tight"><Tag data-size="sm" data-color="neutral">{finding.rule}</Tag>
                {finding.withdrawn ? <Tag data-size="sm" data-color="success">{t('case:finding.withdrawn')}</Tag> : <SeverityTag severity={finding.severity} />}
                <span className="soft small"><Time at={finding.time} form="exact" /></span>
              </span>
              <p>{reason(finding.reason)}</p>
              {finding.explained && <p className="soft">{reason(finding.explained)}</p>}
            </li>
          ))}
        </ul>
      </div>
    </Panel>
  )
}

function Tile({ k, v, bad, good, mono }: { k: string; v: string; bad?: boolean; good?: boolean; mono?: boolean }) {
  return <div data-bad={bad || undefined} data-good={good || undefined}><span className="k">{k}</span><span className={mono ? 'v mono' : 'v'}>{v}</span></div>
}
