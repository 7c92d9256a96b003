// What the journeys share: a browser, signing in with the demo's accounts, axe.
import assert from 'node:assert/strict'
import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { AxeBuilder } from '@axe-core/playwright'
import { chromium } from 'playwright-core'
import { chromiumOptions } from './browser.mjs'

/** Address of the started Varde. Without it every test here fails at once: it is not to be skipped by mistake. */
export const base = process.env.BASE_URL?.replace(/\/$/, '')

export const phone = { width: 390, height: 844 }
export const desktop = { width: 1280, height: 900 }

let browser
export async function start() {
  assert.ok(base, 'BASE_URL names the address of a running Varde with the demo region')
  browser = await chromium.launch(chromiumOptions)
}
export async function stop() {
  await browser?.close()
}

/** A new person with a new browser. What the page complains of is collected in `said`. */
export async function visit(viewport, options = {}) {
  const context = await browser.newContext({ viewport, locale: 'nb-NO', timezoneId: 'Europe/Oslo', reducedMotion: 'reduce', hasTouch: viewport === phone, ...options })
  context.setDefaultTimeout(30_000)
  const page = await context.newPage()
  const said = []
  page.on('pageerror', (error) => said.push(String(error)))
  page.on('console', (message) => {
    // What the server refuses on purpose is logged by the browser too; only our own faults count.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) said.push(message.text())
  })
  return { context, page, said }
}

/** The text of a key ('search:purpose.text') in a language. */
export function textOf(language, key) {
  const [feature, path] = key.split(':')
  const texts = JSON.parse(readFileSync(new URL(`../src/i18n/${language}/${feature}.json`, import.meta.url), 'utf8'))
  return path.split('.').reduce((inner, part) => inner[part], texts)
}

/** A new person who chose a language before. */
export async function visitIn(language, viewport, options = {}) {
  const visitor = await visit(viewport, options)
  await visitor.context.addInitScript((chosen) => { if (!localStorage.getItem('varde.language')) localStorage.setItem('varde.language', chosen) }, language)
  return visitor
}

const demoAccounts = { Ansatt: 'ansatt', Leder: 'leder', Personvern: 'sikkerhet', Administrator: 'admin', Revisor: 'revisor' }

/** Signs in with the demo's account for a role, in whatever language the page is. */
export async function signInAs(page, title, then) {
  await page.goto(`${base}/logg-inn${then ? `?til=${encodeURIComponent(then)}` : ''}`)
  await page.getByRole('button', { name: `${demoAccounts[title]}@bjorkvag.example` }).click()
  await page.waitForURL((url) => url.pathname !== '/logg-inn')
}

/** No violation of WCAG 2.1 A and AA, and nothing that scrolls sideways. */
export async function accessible(page, where) {
  const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']).analyze()
  const found = violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.target.join(' ')} (${(n.any[0] ?? n.all[0] ?? n.none[0])?.message ?? ''})`).join(' | ')}`)
  assert.deepEqual(found, [], where)
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  assert.ok(over <= 0, `${where}: the page scrolls sideways by ${over} px`)
}

/** Waits until nothing is shown as being fetched. */
export async function settled(page) {
  await page.waitForFunction(() => document.querySelector('h1') && !document.querySelector('.shimmer'))
}

export async function picture(page, name) {
  const folder = process.env.SHOTS
  if (!folder) return
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true })
}

/** The smallest PNG there is. */
export function photo() {
  return Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')
}

/** A word that no other test, and no other run, has. */
export const word = () => `q${randomBytes(6).toString('hex')}`

/** Asks until there is an answer: for what comes over the bus. */
export async function until(what, ask) {
  for (const end = Date.now() + 30_000; Date.now() < end;) {
    const found = await ask()
    if (found) return found
    await new Promise((again) => setTimeout(again, 150))
  }
  assert.fail(`never: ${what}`)
}

/** Calls the server as the page does, with its session: for what a test needs but is not about. */
export async function call(page, method, path, body) {
  const answer = await page.evaluate(async ({ method, path, body }) => {
    const session = await (await fetch('/api/web/v1/session')).json()
    const response = await fetch(path, {
      method, headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...(session.csrf ? { 'Varde-Csrf': session.csrf } : {}) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text ? JSON.parse(text) : undefined }
  }, { method, path, body })
  return answer
}

/** The same where it must succeed. */
export async function must(page, method, path, body) {
  const answer = await call(page, method, path, body)
  assert.ok(answer.status < 300, `${method} ${path} answered ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body
}

/** Sends a report in without the form; `about` names the place: {unitId} or {systemId}. */
export async function report(page, what, about) {
  const form = await must(page, 'GET', '/api/deviation/v1/public/tenants/bjorkvag/forms/general')
  return must(page, 'POST', '/api/deviation/v1/public/reports', {
    tenant: 'bjorkvag', formType: form.formType, formVersion: form.version, submissionId: randomUUID(),
    answers: { about: 'no', whatHappened: what, happened: 'happened', category: 'unlocked-pc', ongoing: 'no', personalData: 'no', seen: 'no', services: 'no', ...about },
  })
}

/** The id of a choice of the form: a system's or a unit's, once the form offers it. */
export async function place(page, list, name) {
  return until(`${name} in the form`, async () => {
    const form = await must(page, 'GET', '/api/deviation/v1/public/tenants/bjorkvag/forms/general')
    return form[list].find((item) => item.name === name)?.id
  })
}

/** The case that a report with a word of its own became, seen by whoever the page belongs to. */
export async function caseWith(page, unique) {
  return until(`a case about ${unique}`, async () => (await must(page, 'POST', '/api/cases/v1/cases/search', { text: unique, limit: 5 })).items[0])
}

/** The code of a code app for a time step (RFC 6238: SHA-1, six digits, 30 seconds). */
export function totp(secret, step) {
  const bits = [...secret].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const hash = createHmac('sha1', key).update(counter).digest()
  return String((hash.readUInt32BE(hash[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

const firstPassword = 'forste-passord-2026'
export const ownPassword = 'mitt-eget-passord-2026'

/** A new person with an account, made by an administrator's page; gives the sign-in name. */
export async function newPerson(admin, name, more = {}) {
  const person = await must(admin, 'POST', '/api/identity/v1/persons', { name, ...more })
  const account = `${name.split(' ').pop()}@bjorkvag.example`
  await must(admin, 'PUT', `/api/identity/v1/persons/${person.id}/account`, { name: account, password: firstPassword })
  return { id: person.id, account, password: firstPassword }
}

/** Signs in by name and password; whoever was given a password chooses their own first. */
export async function signIn(page, { account, password }) {
  await page.goto(`${base}/logg-inn`)
  await page.getByLabel('Brukernavn').fill(account)
  await page.getByLabel('Passord').fill(password)
  await page.getByRole('button', { name: 'Logg inn', exact: true }).click()
  if (password === firstPassword) {
    await page.getByLabel('Nytt passord', { exact: true }).fill(ownPassword)
    await page.getByLabel('Gjenta nytt passord').fill(ownPassword)
    await page.getByRole('button', { name: 'Bytt passord og gå videre' }).click()
  }
}
