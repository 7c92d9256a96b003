import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { data, reparse } from '../../api/client'
import { Modal } from '../../components/Modal'
import { Failed, Loading } from '../../components/states'
import { formatNumber } from '../../i18n'
import { dayAndTime } from '../../time/format'
import { CaseChoice } from './CaseChoice'
import { reasonText, type Schemas, useSourceNames } from './model'

/** The latest lines of a group: as they are for a case, else their shape. */
export function Letters({ group, close }: { group: Schemas['Group']; close: () => void }) {
  const { t } = useTranslation()
  const { nameOf } = useSourceNames()
  const [caseId, setCaseId] = useState('')
  const letters = useQuery({
    queryKey: ['reparse', 'letters', group.id, caseId],
    queryFn: () => data(() => reparse.POST('/v1/dead-letters/{group}/letters', { params: { path: { group: group.id } }, body: { limit: 20, ...(caseId ? { caseId } : {}) } })),
  })
  return (
    <Modal title={t('reparse:linesOf', { name: nameOf(group.source) })} close={close} wide>
      <p>{reasonText(group.reason)}</p>
      <CaseChoice value={caseId} choose={setCaseId} />
      {letters.isPending && <Loading rows={4} />}
      {letters.isError && <Failed error={letters.error} retry={() => void letters.refetch()} />}
      {letters.data?.namesReason === 'case-closed' && <p className="soft">{t('reparse:caseClosed')}</p>}
      <ul className="stack plain">
        {letters.data?.items.map((l) => (
          <li key={l.id}>
            <div className="soft small">{dayAndTime(l.received)} · {t('reparse:bytes', { count: l.size, size: formatNumber(l.size) })}{l.tried && ` · ${t('reparse:tried', { when: dayAndTime(l.tried) })}`}</div>
            <code className="logline">{l.raw ?? l.shape}</code>
          </li>
        ))}
      </ul>
    </Modal>
  )
}
