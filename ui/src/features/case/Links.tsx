import { Button } from '@digdir/designsystemet-react'
import { TrashIcon } from '@navikt/aksel-icons'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { cases } from '../../api/client'
import { Panel } from '../../components/Page'
import { Refusal } from '../../components/states'
import { can, type Case, useCaseAction } from './api'
import type { Open } from './open'

// These follow from the logs and cannot be taken away.
const fromLogs = new Set(['earlier', 'later'])

/** What other cases are to this one: the same thing twice, a cause, or merely akin. */
export function Links({ c, open }: { c: Case; open: Open }) {
  const { t } = useTranslation()
  const action = useCaseAction(c.summary.id)
  const may = can(c, 'link')
  if (c.links.length === 0 && !may) return null
  const number = (link: Case['links'][number]) => link.number ?? t('case:links.unnamed')
  const remove = (otherId: string) => action.run(() => cases.DELETE('/v1/cases/{caseId}/links/{otherId}', { params: { path: { caseId: c.summary.id, otherId } } }), t('case:links.removed'))
  return (
    <Panel title={t('case:links.title')} id="koblinger" actions={may && <Button variant="tertiary" data-size="sm" onClick={() => open({ is: 'link' })}>{t('case:links.add')}</Button>}>
      <Refusal error={action.error} />
      {c.links.length === 0 ? <p className="soft">{t('case:links.none')}</p> : (
        <ul className="plain stack-2">
          {c.links.map((link) => (
            <li key={link.caseId} className="spread keep">
              <span>{t(`case:links.${link.kind}`)} <Link className="ds-link numeric" to="/saker/$caseId" params={{ caseId: link.caseId }}>{number(link)}</Link></span>
              {may && !fromLogs.has(link.kind) && (
                <Button icon variant="tertiary" data-color="neutral" data-size="sm" className="no-print" disabled={action.busy} aria-label={t('case:links.remove', { number: number(link) })} title={t('case:links.remove', { number: number(link) })}
                  onClick={() => void remove(link.caseId)}><TrashIcon aria-hidden /></Button>
              )}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}
