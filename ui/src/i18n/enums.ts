// Checked by the compiler, never run: each value that a contract lists has its
// text in bokmål. A new value in schemas/openapi fails `npm run typecheck`.
import type { components as Cases } from '../api/cases'
import type { components as Deviation } from '../api/deviation'
import type { components as Identity } from '../api/identity'
import type { components as Register } from '../api/register'
import type { components as Search } from '../api/search'
import app from './nb/app.json'
import audit from './nb/audit.json'
import cases from './nb/case.json'
import common from './nb/common.json'
import followup from './nb/followup.json'
import queue from './nb/queue.json'
import reason from './nb/reason.json'
import register from './nb/register.json'
import report from './nb/report.json'
import search from './nb/search.json'

type C = Cases['schemas']
type R = Register['schemas']
type All<K extends string> = Record<K, string>

export const checked: [
  All<C['State'] | Deviation['schemas']['ReportState']>, All<Deviation['schemas']['Message']['kind']>,
  All<C['Section']>, All<C['Source']>, All<C['Channel']>, All<NonNullable<C['CaseSummary']['waitingFor']>>,
  All<C['Kind']>, All<C['CaseSummary']['severity']>, All<C['CaseSummary']['severity']>, All<C['PersonalData']>, All<C['Deadline']['regime']>,
  All<Exclude<C['Case']['nextStep'], 'none'>>, All<C['DecisionKind']>, All<C['MeasureKind']>, All<C['Measure']['state']>, All<C['Link']['kind']>,
  All<Deviation['schemas']['ReportState']>, All<NonNullable<Deviation['schemas']['Receipt']['notice']>>,
  All<Identity['schemas']['Role']>,
  All<R['AgreementState']>, All<R['WindowState']>, All<R['Annex']>, All<R['ChecklistPoint']>, All<R['AccountFlag']>, All<NonNullable<R['System']['zone']>>, All<NonNullable<R['System']['publicForm']>>, All<R['Source']['kind']>,
  All<NonNullable<Search['schemas']['Context']['namesReason']>>, All<Exclude<Search['schemas']['Part']['slug'], 'all' | 'any'>>,
  All<'intent' | 'outcome' | 'change'>,
] = [
  common.state, common.message,
  queue.section, queue.source, queue.channel, queue.waitingFor,
  cases.kind, cases.severity, reason.severityName, cases.personalData, cases.regime,
  cases.next, cases.decision.kinds, cases.measures.kinds, cases.measures.state, cases.links,
  followup.way, report.receipt,
  app.role,
  register.agreementState, register.windowState, register.annex, register.point, register.account.flag, register.system.zones, register.system.publicForms, register.source.kinds,
  search.context.reason, search.means,
  audit.phase,
]
