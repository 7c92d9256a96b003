// Pictures of every page, to be looked at: as each role, on a phone and on a
// wide screen, with the demo's data, empty, while loading and in error.
//   BASE_URL=… node e2e/pictures/pictures.mjs OUT [--state full|empty|loading|error] [--role ROLE] [--page PART] [--dark] [--language nb|nn|en]
// It asserts nothing and runs in no check; what it meets on the way it prints.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { base, caseWith, must, phone, place, report, signInAs, start, stop, textOf, visitIn, word } from '../support.mjs'

const args = process.argv.slice(2)
const option = (name) => { const i = args.indexOf(name); return i < 0 ? undefined : args.splice(i, 2)[1] }
const only = { state: option('--state'), role: option('--role'), page: option('--page') }
const language = option('--language') ?? 'nb'
const dark = args.includes('--dark') && args.splice(args.indexOf('--dark'), 1).length > 0
const [out] = args
if (!out || !base) throw new Error('BASE_URL=… node e2e/pictures/pictures.mjs OUT')
mkdirSync(out, { recursive: true })

const wide = { width: 1440, height: 900 }
const sizes = { mobil: phone, skjerm: wide }
const states = ['full', 'empty', 'loading', 'error'].filter((state) => !only.state || state === only.state)

/** Pages by role; what stands behind the name is done before the picture. */
const pages = {
  alle: { forside: '/', meld: '/meld', skjema: '/meld/bjorkvag', oppfolging: '/oppfolging', 'logg-inn': '/logg-inn', personvern: '/personvern', 'finnes-ikke': '/finnes-ikke' },
  Ansatt: { mine: '/mine', konto: '/konto' },
  Leder: { saker: '/saker', 'saker-alle': '/saker/alle', 'sak-meldt': 'report', vinduer: '/register/tilgangsvinduer', konto: '/konto', sok: '/sok' },
  Personvern: {
    'saker-alle': '/saker/alle', 'sak-funn': 'finding', sok: '/sok', 'sok-treff': 'search', leverandorer: '/register/leverandorer', leverandor: 'vendor', vinduer: '/register/tilgangsvinduer',
    avtaler: '/register/avtaler', systemer: '/register/systemer', kontoer: '/register/kontoer', kilder: '/register/kilder', linjer: '/register/linjer', revisjon: '/revisjon', sikring: '/sikring',
  },
  Administrator: { drift: '/drift', organisasjon: '/organisasjon', konto: '/konto', kilder: '/register/kilder' },
  Revisor: { revisjon: '/revisjon', 'saker-alle': '/saker/alle', organisasjon: '/organisasjon', drift: '/drift' },
}

// Who is signed in, and what a search is for, are there whatever becomes of the rest.
const always = /\/web\/v1\/session$|\/identity\/v1\/me$|\/search\/v1\/contexts|public\/tenants$/

/** Takes everything out of an answer that is a list. */
function emptied(body) {
  if (Array.isArray(body?.items)) return { ...body, items: [], counts: {}, next: undefined, total: 0 }
  if (Array.isArray(body?.buckets)) return { ...body, buckets: body.buckets.map((b) => ({ ...b, count: 0, success: 0, failure: 0, unknown: 0 })) }
  return body
}

async function bend(page, state) {
  if (state === 'full') return
  await page.route('**/api/**', async (route) => {
    const path = new URL(route.request().url()).pathname
    if (always.test(path)) return route.continue()
    if (state === 'loading') return undefined
    if (state === 'error') return route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({ type: 'https://varde.internal/problems/unavailable', title: 'unavailable', status: 503, detail: '', traceId: '4bf92f3577b34da6a3ce929d0e0e4736' }) })
    const answer = await route.fetch()
    const json = answer.headers()['content-type']?.includes('json')
    return json ? route.fulfill({ response: answer, json: emptied(await answer.json()) }) : route.fulfill({ response: answer })
  })
}

/** The address of a page that has none of its own. */
async function addressOf(page, wanted) {
  if (wanted.startsWith('/')) return wanted
  if (wanted === 'vendor') {
    const list = await must(page, 'GET', '/api/register/v1/vendors?limit=50')
    return `/register/leverandorer/${list.items.find((v) => v.data.name.startsWith('Havbris')).id}`
  }
  if (wanted === 'finding') {
    const list = await must(page, 'POST', '/api/cases/v1/cases/search', { sources: ['finding'], limit: 1 })
    return `/saker/${list.items[0].id}`
  }
  if (wanted === 'report') {
    const unique = word()
    await report(page, `Utskrift med navn og fødselsdato lå igjen i skriveren på servicetorget ${unique}`, { systemId: await place(page, 'systems', 'Arkivum sak og arkiv') })
    return `/saker/${(await caseWith(page, unique)).id}`
  }
  return '/sok'
}

async function begin(page) {
  await page.getByLabel(textOf(language, 'search:purpose.text')).fill('Se om loggene kommer inn som de skal')
  await page.getByRole('button', { name: textOf(language, 'search:purpose.start') }).click()
  await page.getByRole('combobox', { name: textOf(language, 'search:time.label') }).selectOption('30d')
}

await start()
for (const [role, list] of Object.entries(pages)) {
  if (only.role && only.role !== role) continue
  for (const [size, viewport] of Object.entries(sizes)) {
    const { page, said, context } = await visitIn(language, viewport, { colorScheme: dark ? 'dark' : 'light' })
    if (role !== 'alle') await signInAs(page, role, '/konto')
    for (const [name, wanted] of Object.entries(list)) {
      if (only.page && !name.includes(only.page)) continue
      await page.unrouteAll({ behavior: 'ignoreErrors' })
      if (role === 'alle') await page.goto(base)
      const address = await addressOf(page, wanted)
      for (const state of states) {
        await page.unrouteAll({ behavior: 'ignoreErrors' })
        if (wanted === 'search') {
          await page.goto(`${base}${address}`)
          await begin(page)
          await page.waitForURL('**/sok/*')
          await bend(page, state)
          await page.reload()
        } else {
          await bend(page, state)
          await page.goto(`${base}${address}`)
        }
        await page.waitForFunction((loading) => document.querySelector('h1, .state, .shimmer') && (loading || !document.querySelector('.shimmer')), state === 'loading').catch(() => console.log(`${role} ${name} ${state} ${size}: never settled`))
        await page.waitForLoadState(state === 'loading' ? 'domcontentloaded' : 'networkidle', { timeout: 5_000 }).catch(() => undefined)
        await page.screenshot({ path: join(out, `${role}-${name}-${size}-${state}${dark ? '-mork' : ''}${language === 'nb' ? '' : `-${language}`}.png`), fullPage: true })
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        if (over > 0) console.log(`${role} ${name} ${state} ${size}: scrolls sideways by ${over} px`)
        for (const text of said.splice(0)) console.log(`${role} ${name} ${state} ${size}: ${text}`)
      }
    }
    await context.close()
  }
}
await stop()
