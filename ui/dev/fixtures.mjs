// Answers for looking at pages without a running Varde (dev/shots.mjs). They
// follow schemas/openapi; nothing here is a test, and nothing ships.
import { readFileSync } from 'node:fs'

const now = Date.now()
const ago = (h) => new Date(now - h * 3_600_000).toISOString()
const ahead = (h) => new Date(now + h * 3_600_000).toISOString()
const id = (s) => s.padEnd(26, '0').slice(0, 26)
const hash = 'b7e23ec29af22b0b4e41da31e868d57226121c84f4a2e8e1f3a0d5c6b7a89012'

const form = JSON.parse(readFileSync(new URL('../../services/deviation/forms/general.v1.json', import.meta.url), 'utf8'))
const systems = [['arkivum', 'Arkivum'], ['lonnportal', 'Lønnsportalen'], ['helsejournal', 'Helsejournal'], ['skoleplattform', 'Skoleplattformen']].map(([i, name]) => ({ id: id(i), name }))
const units = [{ id: id('radmannen'), name: 'Rådmannen', level: 1, manager: id('p1'), managerName: 'Ingunn Rådal' }, { id: id('oppvekst'), name: 'Oppvekst', level: 2, parent: id('radmannen'), manager: id('p2'), managerName: 'Tor Bakke' }, { id: id('skole'), name: 'Strand skole', level: 3, parent: id('oppvekst') }, { id: id('helse'), name: 'Helse og omsorg', level: 2, parent: id('radmannen'), manager: id('p3'), managerName: 'Solveig Eikrem' }]
const persons = [['p1', 'Ingunn Rådal', 'Rådmann'], ['p2', 'Tor Bakke', 'Kommunalsjef oppvekst'], ['p3', 'Solveig Eikrem', 'Kommunalsjef helse'], ['p4', 'Aud Strand', 'Personvern- og sikkerhetsansvarlig']].map(([i, name, title]) => ({ id: id(i), name, title, roles: [{ role: 'responsible' }], left: false, unitId: id('oppvekst') }))

const actions = { leader: ['case.list', 'case.read', 'case.handle', 'case.assign', 'case.close', 'evidence.read', 'register.read', 'register.write', 'window.request', 'window.approve', 'report.follow', 'report.submit', 'directory.read', 'event.search', 'event.names', 'evidence.pin', 'audit.read', 'audit.export', 'health.read', 'directory.write', 'source.write'] }
export const me = { id: id('p2'), name: 'Tor Bakke', title: 'Kommunalsjef oppvekst', tenant: { id: 'bjorkvag', name: 'Bjørkvåg kommune', casePrefix: 'BJ', titles: { 1: 'Rådmann', 2: 'Kommunalsjef', 3: 'Enhetsleder' } }, unit: units[1], roles: [{ role: 'responsible', unitId: id('oppvekst') }, { role: 'employee' }], allowed: actions.leader.map((action) => ({ action, scope: 'tenant' })), mustChangePassword: false, secondFactor: false }

const summary = (n, more) => ({ id: id(`case${n}`), number: `BJ-2026-00${40 + n}`, state: 'assigned', section: 'new', source: 'finding', kind: 'event', severity: 'high', title: { slug: 'vendor-access', params: { vendor: 'Nordlys Drift AS', system: 'Arkivum', rule: 'C4' } }, summary: '', system: { id: systems[0].id, name: 'Arkivum' }, vendor: { id: id('nordlys'), name: 'Nordlys Drift AS' }, handler: { id: id('p2'), name: 'Tor Bakke', title: 'Kommunalsjef oppvekst' }, dueAt: ahead(5), dueFor: 'acknowledge', acknowledged: false, explained: false, findings: 2, created: ago(2), changed: ago(1), ...more })
const summaries = [
  summary(1), summary(2, { source: 'report', severity: 'medium', title: { slug: 'report', params: { category: 'misdelivery', kind: 'breach' } }, summary: 'Elevliste med adresser ble sendt til feil foresattgruppe', vendor: undefined, system: undefined, unit: { id: units[2].id, name: 'Strand skole' }, created: ago(7) }),
  summary(3, { section: 'overdue', state: 'measures', severity: 'critical', title: { slug: 'guessing', params: { system: 'Lønnsportalen' } }, vendor: undefined, dueAt: ago(30), created: ago(200) }),
  summary(4, { section: 'waiting', state: 'effect-check', severity: 'low', waitingFor: 'effect-checker', created: ago(300) }),
  summary(5, { section: 'this-week', state: 'in-progress', severity: 'medium', explained: true, dueAt: ahead(70), created: ago(90) }),
]
const evidence = [2.2, 2.15, 2.1, 1.9].map((h, i) => ({ id: id(`ev${i}`), source: 'finding', added: ago(1), evidence: { eventId: `e${i}`, time: ago(h), original: `Nov 22 0${i}:14:0${i} arkiv01 sshd[2210${i}]: ${i === 1 ? 'Failed' : 'Accepted'} publickey for nd-ola from 198.51.100.23 port 5102${i} ssh2: ED25519 SHA256:8fJ2lq`, sha256: hash, host: 'arkiv01', account: 'nd-ola', address: '198.51.100.23', outcome: i === 1 ? 'failure' : 'success', provenance: i === 3 ? 'udp' : 'tcp' } }))
const findingCase = {
  summary: { ...summaries[0], state: 'in-progress', acknowledged: true }, version: 3, involved: false, personalData: 'possible',
  routing: { sentence: { slug: 'system-responsible', params: { system: 'Arkivum' } }, steps: [{ slug: 'system-responsible', params: { system: 'Arkivum' } }], escalations: 0 },
  deadlines: [{ regime: 'acknowledge', startsAt: ago(2), dueAt: ahead(2), metAt: ago(1), basis: { slug: 'acknowledge-by-severity', params: { severity: 'high' } }, overdue: false }, { regime: 'emergency-approval', startsAt: ago(2), dueAt: ahead(22), basis: { slug: 'emergency-approval' }, overdue: false }, { regime: 'gdpr', startsAt: ago(2), dueAt: ahead(70), basis: { slug: 'gdpr-art-33' }, overdue: false }, { regime: 'internal', startsAt: ago(300), dueAt: ago(2), basis: { slug: 'handling-by-severity', params: { severity: 'high' } }, overdue: true }],
  nextStep: 'decide', blockers: [{ slug: 'decision-missing' }, { slug: 'measures-missing' }, { slug: 'effect-check-missing' }], allowed: ['assign', 'assess', 'decide', 'measure', 'message', 'close', 'reject', 'pin', 'read-evidence'],
  findings: [
    { id: id('f1'), rule: 'C4', severity: 'high', time: ago(2.2), withdrawn: false, reason: { slug: 'outside-window', params: { vendor: 'Nordlys Drift AS', system: 'Arkivum', time: ago(2.2), agreement: 'expired' } }, persons: [{ id: id('vp1'), name: 'Ola Fjeld' }], accounts: ['nd-ola'], addresses: ['198.51.100.23'], hosts: ['arkiv01'], evidence: ['e0'] },
    { id: id('f2'), rule: 'C6', severity: 'high', time: ago(2.1), withdrawn: true, reason: { slug: 'agreement-expired', params: { vendor: 'Nordlys Drift AS', system: 'Arkivum', time: ago(2.1) } }, explained: { slug: 'register-corrected' }, persons: [], accounts: ['nd-ola'], addresses: [], hosts: [], agreement: { id: id('ag1'), name: 'Driftsavtale 2023' }, evidence: ['e1'] },
  ],
  decisions: [], measures: [], links: [{ caseId: id('case4'), number: 'BJ-2026-0044', kind: 'earlier' }],
}
const reportCase = {
  ...findingCase, summary: { ...summaries[1], state: 'measures', acknowledged: true }, findings: [], nextStep: 'settle-measures', links: [],
  routing: { sentence: { slug: 'unit-manager', params: { unit: 'Oppvekst', level: '2' } }, steps: [{ slug: 'unit-manager-vacant', params: { unit: 'Strand skole', level: '3' } }, { slug: 'unit-manager', params: { unit: 'Oppvekst', level: '2' } }], escalations: 1 },
  report: { id: id('r1'), formType: 'general', formVersion: 1, anonymous: true, ongoing: true, passLine: false, submitted: ago(7), answers: { about: 'no', whatHappened: 'Elevliste med adresser ble sendt til feil foresattgruppe.\nJeg oppdaget det da en forelder ringte.', happened: 'happened', category: 'misdelivery', ongoing: 'yes', personalData: 'yes', seen: 'yes', affected: ['pupils', 'citizens'] }, attachments: [{ id: id('at1'), name: 'skjermbilde.png', mediaType: 'image/png', size: 284_113, sha256: hash }] },
  decisions: [{ id: id('d1'), kind: 'measures', reason: 'Lista må trekkes tilbake, og rutinen for utsending må endres.', by: { id: id('p2'), name: 'Tor Bakke' }, at: ago(5), late: false, consequences: ['change-control'] }],
  measures: [{ id: id('m1'), kind: 'corrective', text: 'Be mottakerne slette e-posten og bekrefte det', owner: { id: id('p2'), name: 'Tor Bakke' }, due: ahead(20), state: 'open' }, { id: id('m2'), kind: 'preventive', text: 'Foresattgrupper velges fra skolesystemet, ikke skrives inn', owner: { id: id('p3'), name: 'Solveig Eikrem' }, due: ago(40), state: 'open' }, { id: id('m3'), kind: 'preventive', text: 'Gå gjennom rutinen i personalmøtet', owner: { id: id('p3'), name: 'Solveig Eikrem' }, due: ago(2), state: 'done', settledAt: ago(1) }],
  blockers: [{ slug: 'measure-unsettled', params: { count: '2' } }, { slug: 'effect-check-missing' }, { slug: 'outcome-missing' }, { slug: 'restored-missing' }],
}
const events = Array.from({ length: 40 }, (_, i) => ({ id: `e${i}`, time: ago(1 + i * 0.7), fields: { 'host.name': i % 3 ? 'arkiv01' : 'lonn02', 'event.action': i % 4 ? 'ssh_login' : 'session_opened', 'event.outcome': i % 5 === 0 ? 'failure' : 'success', 'user.name': 'nd-ola', 'source.ip': '198.51.100.23', 'process.name': 'sshd', 'varde.system': systems[0].id, message: `Accepted publickey for nd-ola from 198.51.100.23 port ${51000 + i} ssh2: ED25519 SHA256:8fJ2lq` }, ...(i % 7 === 6 ? { hidden: ['user.name', 'source.ip', 'message'] } : {}) }))
const item = (i, data, more = {}) => ({ id: id(i), revision: 1, validFrom: ago(9000), recordedAt: ago(9000), data, ...more })
const vendors = [item('nordlys', { name: 'Nordlys Drift AS', orgNumber: '999888777', contact: 'vakt@nordlys.example' }), item('fjell', { name: 'Fjell Data AS' }, { weaknesses: [{ slug: 'no-agreement' }] }), item('skjerm', { name: 'Skjermdata AS' })]
const agreements = [item('ag1', { vendorId: vendors[0].id, title: 'Driftsavtale 2023', signed: true, annexes: ['security-description', 'configuration-map'], checked: ['logging', 'audits', 'confidentiality'] }, { state: 'expired', validTo: ago(200) }), item('ag2', { vendorId: vendors[2].id, title: 'Databehandleravtale skjerm', signed: true, systems: [systems[1].id], annexes: [], checked: [] }, { state: 'missing-annexes' })]
const people = [item('vp1', { vendorId: vendors[0].id, name: 'Ola Fjeld', accounts: [id('ac1')], networks: ['198.51.100.0/24'] }), item('vp2', { vendorId: vendors[0].id, name: 'Kari Moen', networks: ['198.51.100.7'] })]
const accounts = [item('ac1', { name: 'nd-ola', vendorId: vendors[0].id, aliases: ['BJ\\nd-ola'] }), item('ac2', { name: 'tor.bakke', realm: 'BJ', personId: id('p2'), flags: ['dual-login'] })]
const windows = [item('w1', { vendorId: vendors[0].id, systems: [systems[0].id], from: ahead(20), to: ahead(24), reason: 'Oppgradering av arkivkjernen' }, { state: 'requested' }), item('w2', { vendorId: vendors[2].id, systems: [systems[1].id], from: ago(2), to: ahead(3), reason: 'Feilretting', emergency: true }, { state: 'open' }), item('w3', { vendorId: vendors[0].id, systems: [systems[0].id], from: ago(100), to: ago(96) }, { state: 'ended' })]
const sys = systems.map((s, i) => item(s.id, { name: s.name, unitId: units[1].id, responsible: id('p2'), owner: i === 1 ? vendors[0].id : id('p3'), vendors: i < 2 ? [vendors[0].id] : [], zone: 'internal', personalData: i !== 0, hosts: ['arkiv01'] }, i === 1 ? { weaknesses: [{ slug: 'owner-is-vendor' }] } : {}))
const sources = [item('s1', { name: 'Arkivserverne', kind: 'syslog', hasKey: false, silentAfterSeconds: 86400, responsible: id('p2') }), item('s2', { name: 'Felles VPN', kind: 'bulk', hasKey: true, shared: true, silentAfterSeconds: 3600 })]
const followUp = { reportId: id('r1'), caseNumber: 'BJ-2026-0042', formType: 'general', formVersion: 1, state: 'measures', submitted: ago(7), changed: ago(1), summary: 'Elevliste med adresser ble sendt til feil foresattgruppe', answers: {}, attachments: [{ id: id('at1'), name: 'skjermbilde.png', mediaType: 'image/png', size: 284113, sha256: hash, metadataRemoved: true }], unanswered: true, measures: [], messages: [{ id: 'm1', from: 'handler', kind: 'question', text: 'Vet du omtrent hvor mange som fikk e-posten?', sent: ago(3) }, { id: 'm2', from: 'reporter', kind: 'message', text: 'Jeg tror det var rundt tjue.', sent: ago(2) }] }
const records = Array.from({ length: 25 }, (_, i) => ({ id: id(`au${i}`), index: 400 - i, received: ago(i), time: ago(i), service: 'search', actor: { type: i % 5 ? 'person' : 'service', id: i % 5 ? id('p4') : 'cases' }, action: i % 3 ? 'event.search' : 'case.read', object: `case:${id('case1')}`, purpose: i % 3 ? 'Undersøke sak BJ-2026-0041' : '', phase: i % 2 ? 'intent' : 'outcome', ...(i % 2 ? {} : { result: i === 4 ? 'denied' : 'ok', counts: { events: 40 } }) }))
const list = (items) => ({ items })

/** The answer for a request; undefined: not found. `empty` answers every list with nothing. */
export function answer(method, path, body, { signedIn = true, empty = false } = {}) {
  const is = (m, pattern) => m === method && new RegExp(`^${pattern}$`).test(path)
  const of = (items) => list(empty ? [] : items)
  if (is('GET', '/api/web/v1/session')) return { signedIn, csrf: 'x', ...(signedIn ? {} : { demoAccounts: [['ansatt', 'Ansatt'], ['leder', 'Leder (kommunalsjef)'], ['sikkerhet', 'Personvern- og sikkerhetsansvarlig'], ['admin', 'Administrator']].map(([n, title]) => ({ name: `${n}@bjorkvag.example`, password: 'p', title })) }) }
  if (is('POST', '/api/web/v1/session')) return { signedIn: true, csrf: 'x' }
  if (is('GET', '/api/web/v1/health')) return { ready: false, parts: ['identity', 'deviation', 'cases', 'search', 'register', 'audit', 'collector', 'indexer', 'correlator'].map((name, i) => ({ name, ready: i !== 3, reachable: i !== 8, ...(i === 3 ? { engine: 'Elasticsearch', detail: 'connection refused' } : {}) })) }
  if (is('GET', '/api/identity/v1/me')) return me
  if (is('GET', '/api/identity/v1/units')) return of(units)
  if (is('POST', '/api/identity/v1/persons/search')) return of(persons)
  if (is('GET', '/api/deviation/v1/public/tenants')) return of([{ tenant: 'bjorkvag', name: 'Bjørkvåg kommune' }, { tenant: 'fjordvik', name: 'Fjordvik kommune' }, { tenant: 'lysdal', name: 'Lysdal kommune' }])
  if (is('GET', '/api/deviation/v1/public/tenants/\\w+/forms')) return of([{ formType: 'general', version: 1, title: 'form.title', signIn: 'optional', texts: form.texts }])
  if (is('GET', '/api/deviation/v1/public/tenants/\\w+/forms/\\w+')) return { ...form, units, systems, limits: { files: 5, fileBytes: 26214400, draftBytes: 104857600 } }
  if (is('POST', '/api/deviation/v1/public/drafts')) return { token: 't'.repeat(32), expires: ahead(24), limits: {} }
  if (is('POST', '/api/deviation/v1/public/attachments')) return { id: id('at9'), name: 'x', mediaType: 'image/png', size: 1, sha256: hash }
  if (is('POST', '/api/deviation/v1/(public/)?reports')) return { reportId: id('r9'), code: '7Q4MX-0RT2K-9WZ3B-H5JNV', submitted: ago(0) }
  if (is('POST', '/api/deviation/v1/public/follow-up')) return followUp
  if (is('GET', '/api/deviation/v1/reports/\\w+')) return followUp
  if (is('GET', '/api/deviation/v1/reports')) return of([followUp])
  if (is('GET', '/api/cases/v1/queue')) return { items: empty ? [] : summaries, counts: empty ? {} : { new: 2, overdue: 1, waiting: 1, 'this-week': 1 } }
  if (is('POST', '/api/cases/v1/cases/search')) return of(summaries)
  if (is('GET', `/api/cases/v1/cases/${id('case2')}`)) return reportCase
  if (is('GET', '/api/cases/v1/cases/\\w+')) return findingCase
  if (is('GET', '/api/cases/v1/cases/\\w+/evidence')) return { items: path.includes(id('case2')) ? [] : evidence, raw: true }
  if (is('GET', '/api/cases/v1/cases/\\w+/candidates')) return list(persons)
  if (is('GET', '/api/cases/v1/cases/\\w+/messages')) return of([{ id: 'm1', from: 'handler', by: { id: id('p2'), name: 'Tor Bakke' }, kind: 'question', text: 'Vet du omtrent hvor mange som fikk e-posten?', sent: ago(3) }, { id: 'm2', from: 'reporter', kind: 'message', text: 'Rundt tjue.', sent: ago(2) }, { id: 'm3', from: 'reporter', kind: 'measure-proposal', text: 'Kan gruppene hentes fra skolesystemet?', sent: ago(1) }])
  if (is('GET', '/api/cases/v1/cases/\\w+/history')) return list([{ id: 'h1', at: ago(7), action: 'created' }, { id: 'h2', at: ago(7), action: 'routed' }, { id: 'h3', at: ago(6), by: { id: id('p2'), name: 'Tor Bakke' }, action: 'acknowledged' }])
  if (is('POST', '/api/search/v1/contexts') || is('GET', '/api/search/v1/contexts/\\w+')) return { id: 'ctx1', purpose: 'Undersøke sak BJ-2026-0041', caseId: id('case1'), caseNumber: 'BJ-2026-0041', names: true, expires: ahead(8) }
  if (is('POST', '/api/search/v1/explain')) return /hst/.test(body?.query ?? '') ? { valid: false, personFields: [], error: { slug: 'unknown-field', detail: '', start: body.query.indexOf('hst'), end: body.query.indexOf('hst') + 8, near: ['host.name'] } } : { valid: true, personFields: [], root: body?.query ? { slug: 'all', parts: [{ slug: 'equals', field: 'event.outcome', values: ['failure'] }, { slug: 'equals', field: 'host.name', values: ['arkiv01'] }] } : { slug: 'everything' } }
  if (is('POST', '/api/search/v1/complete')) return { start: 0, end: body?.query?.length ?? 0, items: [{ text: 'event.outcome:', kind: 'field', type: 'keyword' }, { text: 'event.action:', kind: 'field', type: 'keyword' }] }
  if (is('POST', '/api/search/v1/search')) return { items: empty ? [] : events, total: empty ? 0 : 12_418, exact: true, names: true, tookMs: 14, ...(empty ? {} : { next: 'n' }) }
  if (is('POST', '/api/search/v1/histogram')) return { intervalSeconds: 10800, buckets: Array.from({ length: 56 }, (_, i) => { const s = empty ? 0 : Math.round(40 + 30 * Math.sin(i / 4) + (i % 7) * 4); const f = empty ? 0 : i % 9 === 3 ? 28 : i % 3; return { start: ago(168 - i * 3), count: s + f + 4, success: s, failure: f, unknown: 4 } }) }
  if (is('POST', '/api/search/v1/terms')) return list((body?.fields ?? []).map((field) => ({ field, values: empty ? [] : field === 'event.outcome' ? [{ value: 'success', count: 11_020 }, { value: 'failure', count: 1_398 }] : field === 'varde.system' ? systems.map((s, i) => ({ value: s.id, count: 900 - i * 200 })) : [{ value: 'arkiv01', count: 812 }, { value: 'lonn02', count: 220 }, { value: 'skole03', count: 14 }], ...(field === 'source.ip' ? { hidden: 'small-counts' } : {}) })))
  if (is('GET', '/api/search/v1/fields')) return list([{ name: 'host.name', type: 'keyword', person: false, facet: true }, { name: 'process.name', type: 'keyword', person: false, facet: true }])
  if (is('GET', '/api/search/v1/views')) return list([{ id: 'v1', name: 'Mislykkede pålogginger', query: 'event.outcome: failure', created: ago(20), mine: true }])
  if (is('POST', '/api/search/v1/views')) return { id: 'v9', query: body?.query ?? '', created: ago(0), mine: true, ...body }
  if (is('GET', '/api/search/v1/views/\\w+')) return { id: 'v9', query: 'event.outcome: failure and host.name: arkiv01', last: '7d', created: ago(0), mine: true }
  if (is('GET', '/api/search/v1/contexts/\\w+/events/\\w+')) return { event: events[6], names: true, original: events[6].fields.message, sha256: hash, received: ago(4), skewMs: 180_000, provenance: 'tcp' }
  if (is('POST', '/api/search/v1/around')) return { items: events.slice(0, 12), names: true }
  if (is('GET', '/api/register/v1/vendors')) return of(vendors)
  if (is('GET', '/api/register/v1/vendors/\\w+/overview')) return { vendor: vendors[0], agreementState: 'expired', agreements: agreements.slice(0, 1), systems: [{ systemId: systems[0].id, name: 'Arkivum', agreementState: 'expired', validTo: ago(200) }, { systemId: systems[1].id, name: 'Lønnsportalen', agreementState: 'missing' }], windows, people, accounts: accounts.slice(0, 1) }
  if (is('GET', '/api/register/v1/agreements')) return of(agreements)
  if (is('GET', '/api/register/v1/systems')) return of(sys)
  if (is('GET', '/api/register/v1/accounts')) return of(accounts)
  if (is('GET', '/api/register/v1/sources')) return of(sources)
  if (is('GET', '/api/register/v1/vendor-persons')) return of(people)
  if (is('GET', '/api/register/v1/windows/\\w+')) return { item: windows[2], history: [] }
  if (is('GET', '/api/register/v1/calendar')) return of(windows.map((w, i) => ({ window: w, vendorName: vendors.find((v) => v.id === w.data.vendorId).data.name, systemNames: [i === 1 ? 'Lønnsportalen' : 'Arkivum'], agreementState: i === 1 ? 'valid' : 'expired', mayApprove: true })))
  if (is('POST', '/api/audit/v1/records/search')) return of(records)
  if (is('GET', '/api/audit/v1/checkpoint')) return { size: 401, root: 'q8vZ2mXlP0rC4c9J0b5jT1uF7i2o8n3w6y1z4x5A9bE=', time: ago(0), checkpoint: '', publicKey: '' }
  return undefined
}

/** Pages worth a picture. `in` is what to do once it stands. */
export const pages = [
  { name: 'forside', path: '/', signedIn: false }, { name: 'meld-velg', path: '/meld', signedIn: false }, { name: 'meld', path: '/meld/bjorkvag', signedIn: false },
  { name: 'oppfolging', path: '/oppfolging', signedIn: false }, { name: 'logg-inn', path: '/logg-inn', signedIn: false }, { name: 'personvern', path: '/personvern', signedIn: false },
  { name: 'saker', path: '/saker' }, { name: 'saker-alle', path: '/saker/alle' }, { name: 'sak-funn', path: `/saker/${id('case1')}` }, { name: 'sak-meldt', path: `/saker/${id('case2')}` },
  { name: 'sok', path: '/sok' }, { name: 'sok-treff', path: '/sok/v9', context: true },
  { name: 'leverandorer', path: '/register/leverandorer' }, { name: 'leverandor', path: `/register/leverandorer/${id('nordlys')}` }, { name: 'vinduer', path: '/register/tilgangsvinduer' }, { name: 'avtaler', path: '/register/avtaler' }, { name: 'systemer', path: '/register/systemer' }, { name: 'kontoer', path: '/register/kontoer' }, { name: 'kilder', path: '/register/kilder' },
  { name: 'organisasjon', path: '/organisasjon' }, { name: 'drift', path: '/drift' }, { name: 'revisjon', path: '/revisjon' }, { name: 'mine', path: '/mine' }, { name: 'mitt-avvik', path: `/mine/${id('r1')}` }, { name: 'konto', path: '/konto' },
]
