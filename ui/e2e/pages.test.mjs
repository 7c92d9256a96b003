// Every page of every role on phone and desktop: no fault in the page, no
// violation of WCAG 2.1 AA, no blank page, nothing that scrolls sideways.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { accessible, base, desktop, phone, picture, settled, signInAs, start, stop, visit } from './support.mjs'

before(start)
after(stop)

const open = ['/', '/meld', '/meld/bjorkvag', '/oppfolging', '/logg-inn', '/personvern', '/meld/finnes-ikke', '/oppfolging/finnes-ikke']
const roles = {
  Ansatt: ['/mine', '/konto'],
  Leder: ['/saker', '/saker/alle', '/register/tilgangsvinduer', '/mine'],
  Personvern: ['/saker/alle', '/sok', '/register/leverandorer', '/register/tilgangsvinduer', '/register/avtaler', '/register/systemer', '/register/kontoer', '/register/kilder', '/register/linjer', '/revisjon', '/sikring', '/saker/00000000000000000000000000'],
  Administrator: ['/drift', '/sikring', '/organisasjon', '/konto'],
  Revisor: ['/revisjon', '/saker/alle', '/organisasjon'],
}
const sizes = { mobil: phone, skjerm: desktop }
const nameOf = (path) => path.replaceAll('/', '_') || '_forside'

for (const [size, viewport] of Object.entries(sizes)) {
  test(`pages open to all on ${size}`, async () => {
    const { page, said, context } = await visit(viewport)
    for (const path of open) {
      await page.goto(base + path)
      await page.waitForFunction(() => document.querySelector('h1, .state') && !document.querySelector('.shimmer'))
      await accessible(page, `${path} on ${size}`)
      await picture(page, `${nameOf(path)}-${size}`)
    }
    assert.deepEqual(said, [])
    await context.close()
  })

  for (const [role, paths] of Object.entries(roles)) {
    test(`pages of ${role} on ${size}`, async () => {
      const { page, said, context } = await visit(viewport)
      await signInAs(page, role, paths[0])
      for (const path of paths) {
        await page.goto(base + path)
        await page.waitForFunction(() => document.querySelector('h1, .state') && !document.querySelector('.shimmer'))
        await accessible(page, `${path} as ${role} on ${size}`)
        await picture(page, `${role}${nameOf(path)}-${size}`)
      }
      assert.deepEqual(said, [])
      await context.close()
    })
  }
}

test('the menu shows only what the role may do', async () => {
  const menus = { Ansatt: ['Mine avvik', 'Meld avvik', 'Min konto'] }
  for (const [role, wanted] of Object.entries(menus)) {
    const { page, context } = await visit(desktop)
    await signInAs(page, role, '/konto')
    await page.getByRole('heading', { name: 'Min konto' }).waitFor()
    const shown = await page.locator('nav.side a').allTextContents()
    for (const name of wanted) assert.ok(shown.includes(name), `${role} sees ${name}`)
    for (const name of ['Søk i logg', 'Drift', 'Revisjonslogg', 'Organisasjon']) assert.ok(!shown.includes(name), `${role} does not see ${name}`)
    await context.close()
  }
})

test('without a session the workplace leads to the sign-in page and back', async () => {
  const { page, context } = await visit(desktop)
  await page.goto(`${base}/saker/alle`)
  await page.waitForURL('**/logg-inn?til=*')
  await page.getByRole('button', { name: /^Leder/ }).click()
  await page.waitForURL('**/saker/alle')
  await page.getByRole('button', { name: 'Logg ut' }).click()
  await page.waitForURL((url) => url.pathname === '/')
  await context.close()
})

test('the command palette and the list of shortcuts open from the keyboard', async () => {
  const { page, context } = await visit(desktop)
  await signInAs(page, 'Leder', '/saker')
  await settled(page)
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: /Gå til side/ }).fill('min k')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/konto')
  await settled(page)
  await page.locator('main').focus()
  await page.keyboard.press('?')
  await page.getByRole('heading', { name: 'Tastatursnarveier' }).waitFor()
  await accessible(page, 'shortcuts')
  await page.keyboard.press('Escape')
  await page.keyboard.press('g')
  await page.keyboard.press('s')
  await page.waitForURL('**/saker')
  await context.close()
})
