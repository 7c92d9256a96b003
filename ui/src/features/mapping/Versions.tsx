import { Button, Tag } from '@digdir/designsystemet-react'
import { DownloadIcon } from '@navikt/aksel-icons'
import { useTranslation } from 'react-i18next'
import { Panel } from '../../components/Page'
import { usePersons } from '../../directory/directory'
import { clock, day } from '../../time/format'
import type { Schemas } from '../register/model'
import { download, mappingText } from './model'

/** Every mapping that the source had, latest first; one can be opened again or kept as a file. */
export function Versions({ history, current, open }: { history: Schemas['SourceVersion'][]; current: string | undefined; open: (text: string) => void }) {
  const { t } = useTranslation()
  const persons = usePersons()
  const changes = history.filter((v, i) => v.data?.mappingId && v.data.mappingId !== history[i + 1]?.data?.mappingId)
  if (changes.length === 0) return null
  return (
    <Panel title={t('mapping:versions')} id="versions">
      <ul className="rows">
        {changes.map((v) => {
          const id = v.data?.mappingId ?? ''
          return (
            <li key={v.recordedAt} className="row">
              <span className="mapping-version">{day(v.recordedAt)} {clock(v.recordedAt)} <span className="soft">{persons.data?.find((p) => p.id === v.recordedBy)?.name ?? ''}</span></span>
              {id === current ? <Tag data-size="sm" data-color="success">{t('mapping:inUse')}</Tag>
                : <Button variant="tertiary" data-size="sm" onClick={() => void mappingText(id).then(open)}>{t('mapping:openVersion')}</Button>}
              <Button variant="tertiary" data-size="sm" onClick={() => void mappingText(id).then((text) => download(`${v.data?.name ?? 'kartlegging'}.yaml`, text))}><DownloadIcon aria-hidden />{t('mapping:export')}</Button>
            </li>
          )
        })}
      </ul>
    </Panel>
  )
}
