import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { cases, data } from '../../api/client'
import { useMay } from '../../app/MeContext'
import { SelectField } from '../../components/Field'
import { useReason } from '../../components/reason'

/** The case that raw lines are read for: only for who may see names at all. */
export function CaseChoice({ value, choose }: { value: string; choose: (caseId: string) => void }) {
  const { t } = useTranslation()
  const reason = useReason()
  const may = useMay('event.names')
  const open = useQuery({
    queryKey: ['open-cases'], enabled: may,
    queryFn: () => data(() => cases.POST('/v1/cases/search', { body: { open: true, sort: 'newest', limit: 100 } })).then((list) => list.items),
  })
  if (!may) return <p className="soft small">{t('reparse:shapeOnly')}</p>
  return (
    <SelectField label={t('reparse:case')} help={t('reparse:caseHelp')} value={value} onChange={(e) => choose(e.target.value)}>
      <option value="">{t('reparse:noCase')}</option>
      {open.data?.map((item) => <option key={item.id} value={item.id}>{item.number} {item.summary || reason(item.title)}</option>)}
    </SelectField>
  )
}
