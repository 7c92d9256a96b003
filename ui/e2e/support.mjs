// What the journeys share: a browser, signing in with the demo's accounts, axe.
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
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
  context.setDefaultTimeout(15_000)
  const page = await context.newPage()
  const said = []
  page.on('pageerror', (error) => said.push(String(error)))
  page.on('console', (message) => {
    // What the server refuses on purpose is logged by the browser too; only our own faults count.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) said.push(message.text())
  })
  return { context, page, said }
}

/** Signs in by the demo account's title on the sign-in page: 'Ansatt', 'Leder', … */
export async function signInAs(page, title, then) {
  await page.goto(`${base}/logg-inn${then ? `?til=${encodeURIComponent(then)}` : ''}`)
  await page.getByRole('button', { name: new RegExp(`^${title}`) }).click()
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
