import { Button, Tag } from '@digdir/designsystemet-react'
import { useTranslation } from 'react-i18next'
import { Panel } from '../../components/Page'
import { Time } from '../../components/Time'
import { can, type Case } from './api'
import type { Open } from './open'

export function Decisions({ c, open }: { c: Case; open: Open }) {
  const { t } = useTranslation()
  return (
    <Panel title={t('case:decision.title')} id="beslutning" actions={can(c, 'decide') && <Button variant="secondary" data-size="sm" onClick={() => open({ is: 'decide' })}>{t('case:decision.decide')}</Button>}>
      {c.decisions.length === 0 ? <p className="soft">{t('case:decision.none')}</p> : (
        <ul className="plain stack">
          {c.decisions.map((d) => (
            <li key={d.id} className="stack-2">
              <span className="row-tight"><strong>{t(`case:decision.kinds.${d.kind}`)}</strong>
                {(d.consequences ?? []).map((k) => <Tag key={k} data-size="sm" data-color="neutral">{t(`case:decision.consequence.${k}`)}</Tag>)}
                {d.late && <Tag data-size="sm" data-color="warning">{t('case:decision.late')}</Tag>}
              </span>
              <p className="prewrap">{d.reason}</p>
              <span className="soft small">{d.by.name ?? d.by.id}, <Time at={d.at} /></span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}
