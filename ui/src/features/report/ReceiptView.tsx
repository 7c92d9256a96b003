import { Button } from '@digdir/designsystemet-react'
import { CheckmarkHeavyIcon, FilesIcon, PrinterSmallIcon } from '@navikt/aksel-icons'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { toast } from '../../components/toast'
import { handOverCode } from '../followup/code'
import { dayAndTime } from '../../time/format'
import type { Receipt } from './send'

export function ReceiptView({ tenant, tenantName, receipt, left, named }: { tenant: string; tenantName: string; receipt: Receipt; left: string[]; named: boolean }) {
  const { t } = useTranslation()
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => { heading.current?.focus(); scrollTo({ top: 0 }) }, [])
  const copy = () => navigator.clipboard.writeText(receipt.code).then(() => toast(t('report:receipt.copied')))
  return (
    <div className="question">
      <span className="tick"><CheckmarkHeavyIcon aria-hidden /></span>
      <div className="stack-2">
        <h1 ref={heading} tabIndex={-1}>{t('report:receipt.title')}</h1>
        <p className="soft">{tenantName} · {t('report:receipt.submitted', { when: dayAndTime(receipt.submitted) })}</p>
      </div>
      {receipt.notice && <div className="ds-alert" data-color={receipt.notice === 'call-now' ? 'danger' : 'info'} role="alert"><p>{t(`report:receipt.${receipt.notice}`)}</p></div>}
      {left.length > 0 && <div className="ds-alert" data-color="warning" role="alert"><p>{t('report:receipt.left', { files: left.join(', ') })}</p></div>}
      <section className="receipt-code" aria-labelledby="code-title">
        <h2 id="code-title" className="strong">{t('report:receipt.codeTitle')}</h2>
        <output data-testid="receipt-code">{receipt.code}</output>
        <p>{named ? t('report:receipt.codeTextNamed') : t('report:receipt.codeText')}</p>
        <div className="row no-print">
          <Button type="button" onClick={() => void copy()}><FilesIcon aria-hidden />{t('report:receipt.copy')}</Button>
          <Button type="button" variant="secondary" onClick={() => print()}><PrinterSmallIcon aria-hidden />{t('report:receipt.print')}</Button>
        </div>
      </section>
      <section className="stack-2">
        <h2 className="strong">{t('report:receipt.nextTitle')}</h2>
        <ol className="next-list">
          <li>{t('report:receipt.next1')}</li>
          <li>{t('report:receipt.next2')}</li>
          <li>{t('report:receipt.next3')}</li>
        </ol>
      </section>
      <div className="row no-print">
        <a className="ds-link" href="/oppfolging" onClick={() => handOverCode(tenant, receipt.code)}>{t('report:receipt.followUp')}</a>
        <a className="ds-link" href={`/meld/${tenant}`}>{t('report:receipt.another')}</a>
      </div>
    </div>
  )
}
