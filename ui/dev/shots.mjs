// Pictures of every page on phone and desktop, with axe beside them.
//   node dev/shots.mjs OUT [NAME…] [--state full|empty|loading|error] [--dark]
// Without BASE_URL the built pages are shown with dev/fixtures.mjs; nothing needs to run.
import { mkdirSync, readFileSync, existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import { chromium } from 'playwright-core'
import { chromiumOptions } from '../e2e/browser.mjs'
import { answer, pages } from './fixtures.mjs'

const args = process.argv.slice(2)
const option = (name, otherwise) => { const i = args.indexOf(name); return i < 0 ? otherwise : args.splice(i, 2)[1] }
const state = option('--state', 'full')
const dark = args.includes('--dark') && args.splice(args.indexOf('--dark'), 1).length > 0
const [out, ...names] = args
mkdirSync(out, { recursive: true })

const dist = new URL('../dist', import.meta.url).pathname
const types = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2', '.html': 'text/html; charset=utf-8' }
const csp = "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
const server = createServer((req, res) => {
  const path = new URL(req.url, 'http://x').pathname
  const file = join(dist, path)
  const found = extname(path) && existsSync(file) ? file : join(dist, 'index.html')
  res.writeHead(200, { 'Content-Type': types[extname(found)] ?? 'application/octet-stream', 'Content-Security-Policy': csp })
  res.end(readFileSync(found))
}).listen(0, '127.0.0.1')
await new Promise((r) => server.once('listening', r))
const base = `http://127.0.0.1:${server.address().port}`

const browser = await chromium.launch(chromiumOptions)
let faults = 0
for (const page of pages.filter((p) => names.length === 0 || names.includes(p.name))) {
  for (const [size, width, height] of [['mobil', 390, 844], ['skjerm', 1280, 900]]) {
    const context = await browser.newContext({ viewport: { width, height }, locale: 'nb-NO', colorScheme: dark ? 'dark' : 'light', reducedMotion: 'reduce' })
    const tab = await context.newPage()
    const said = []
    tab.on('console', (m) => m.type() === 'error' && !/Failed to load resource/.test(m.text()) && said.push(m.text()))
    tab.on('pageerror', (e) => said.push(String(e)))
    await tab.route('**/api/**', async (route) => {
      const request = route.request()
      const path = new URL(request.url()).pathname
      const always = /\/(session|me)$|\/contexts|\/views\/|public\/tenants$/.test(path)
      if (state === 'loading' && !always) return
      if (state === 'error' && !always) return route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({ type: 'https://varde.internal/problems/unavailable', title: 'x', status: 503, traceId: '4bf92f3577b34da6' }) })
      let body
      try { body = request.postDataJSON() } catch { body = undefined }
      const found = answer(request.method(), path, body, { signedIn: page.signedIn !== false, empty: state === 'empty' })
      if (found === undefined) said.push(`no answer for ${request.method()} ${path}`)
      return route.fulfill(found === undefined ? { status: 404, contentType: 'application/problem+json', body: '{}' } : { status: 200, contentType: 'application/json', body: JSON.stringify(found) })
    })
    if (page.context) await tab.addInitScript(() => sessionStorage.setItem('varde.search.context', 'ctx1'))
    await tab.goto(base + page.path)
    await tab.waitForTimeout(900)
    await tab.screenshot({ path: join(out, `${page.name}-${size}${state === 'full' ? '' : `-${state}`}${dark ? '-mork' : ''}.png`), fullPage: true })
    const axe = await new AxeBuilder({ page: tab }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']).analyze()
    const wide = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    if (wide > 0) said.push(`scrolls sideways by ${wide}px`)
    for (const v of axe.violations) said.push(`${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.target.join(' ')} (${(n.any[0] ?? n.all[0] ?? n.none[0])?.message ?? ''})`).join(' | ')}`)
    faults += said.length
    for (const text of said) console.log(`${page.name} ${size}: ${text}`)
    await context.close()
  }
}
await browser.close()
server.close()
console.log(`${faults} faults`)
