// The three languages: chosen on any page, without losing what was written,
// kept with the account, and each a page that assistive technology can read.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { accessible, base, desktop, must, newPerson, ownPassword, phone, picture, settled, signIn, signInAs, start, stop, textOf, visit, visitIn, word } from './support.mjs'

before(start)
after(stop)

const choice = (page, language) => page.getByRole('combobox', { name: textOf(language, 'common:language'), exact: true })
const lang = (page) => page.evaluate(() => document.documentElement.lang)

test('a half-written report stays when another language is chosen', async () => {
  const { page, said, context } = await visit(phone)
  await page.goto(`${base}/meld/bjorkvag`)
  await page.getByRole('radio', { name: /^Nei/ }).check()
  await page.getByRole('button', { name: 'Neste' }).click()
  await page.getByRole('textbox', { name: 'Hva har skjedd?' }).fill('Ein PC stod open i gangen')
  await choice(page, 'nb').selectOption('nn')
  await page.getByRole('heading', { name: 'Kva har skjedd?' }).waitFor()
  assert.equal(await lang(page), 'nn')
  assert.equal(await page.getByRole('textbox', { name: 'Kva har skjedd?' }).inputValue(), 'Ein PC stod open i gangen')
  await choice(page, 'nn').selectOption('en')
  await page.getByRole('heading', { name: 'What has happened?' }).waitFor()
  assert.equal(await page.getByRole('textbox', { name: 'What has happened?' }).inputValue(), 'Ein PC stod open i gangen')
  await page.reload()
  await page.getByText(/We found your draft/).waitFor()
  assert.equal(await page.getByRole('textbox', { name: 'What has happened?' }).inputValue(), 'Ein PC stod open i gangen')
  assert.equal(await lang(page), 'en')
  assert.deepEqual(said, [])
  await context.close()
})

test('a new visitor meets the language of the browser', async () => {
  for (const [locale, language] of [['nn-NO', 'nn'], ['en-US', 'en'], ['nb-NO', 'nb'], ['pl-PL', 'nb']]) {
    const { page, context } = await visit(phone, { locale })
    await page.goto(base)
    await page.getByRole('heading', { name: textOf(language, 'public:landing.title') }).waitFor()
    assert.equal(await lang(page), language)
    await context.close()
  }
})

const pages = {
  '': ['/', '/meld/bjorkvag', '/oppfolging', '/logg-inn', '/personvern'],
  Leder: ['/saker', '/saker/alle', '/register/tilgangsvinduer', '/konto'],
  Personvern: ['/sok', '/register/leverandorer', '/register/systemer', '/revisjon'],
  Administrator: ['/organisasjon', '/drift'],
}
// Each language on one size: English has the shorter words and the longer sentences.
for (const [language, size, viewport] of [['nn', 'desktop', desktop], ['en', 'phone', phone]]) {
  test(`pages in ${language} on ${size}`, async () => {
    for (const [role, paths] of Object.entries(pages)) {
      const { page, said, context } = await visitIn(language, viewport)
      if (role) await signInAs(page, role, paths[0])
      for (const path of paths) {
        await page.goto(base + path)
        await settled(page)
        assert.equal(await lang(page), language, path)
        await accessible(page, `${path} in ${language} on ${size}`)
        await picture(page, `${language}${path.replaceAll('/', '_')}-${size}`)
      }
      assert.deepEqual(said, [])
      await context.close()
    }
  })
}

test('every page passes in the dark', async () => {
  for (const [role, paths] of Object.entries(pages)) {
    const { page, context } = await visit(desktop, { colorScheme: 'dark' })
    if (role) await signInAs(page, role, paths[0])
    for (const path of paths) {
      await page.goto(base + path)
      await settled(page)
      await accessible(page, `${path} in the dark`)
    }
    await context.close()
  }
})

test('the language follows the account to another device', async () => {
  const admin = await visit(desktop)
  await signInAs(admin.page, 'Administrator', '/organisasjon')
  const name = word()
  const person = await newPerson(admin.page, `Målfrid ${name}`)
  await admin.context.close()

  const first = await visit(desktop)
  await signIn(first.page, person)
  await first.page.getByText(textOf('nb', 'queue:lead')).waitFor()
  const stored = first.page.waitForResponse((response) => response.url().endsWith('/v1/me/language') && response.request().method() === 'PUT')
  await choice(first.page, 'nb').selectOption('nn')
  await first.page.getByText(textOf('nn', 'queue:lead')).waitFor()
  assert.equal((await stored).status(), 204)
  assert.equal((await must(first.page, 'GET', '/api/identity/v1/me')).language, 'nn')
  await first.context.close()

  const second = await visitIn('en', desktop)
  await second.page.goto(`${base}/logg-inn`)
  await second.page.getByLabel(textOf('en', 'signin:name')).fill(person.account)
  await second.page.getByLabel(textOf('en', 'signin:password')).fill(ownPassword)
  await second.page.getByRole('button', { name: textOf('en', 'signin:submit'), exact: true }).click()
  await second.page.getByText(textOf('nn', 'queue:lead')).waitFor()
  assert.equal(await lang(second.page), 'nn')
  await second.context.close()
})

test('a choice on the public pages is told to nobody, also where one is signed in (N3)', async () => {
  const { page, context } = await visit(desktop)
  await signInAs(page, 'Ansatt', '/mine')
  await settled(page)
  await page.goto(`${base}/meld/bjorkvag`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  const changes = []
  page.on('request', (request) => { if (request.method() !== 'GET') changes.push(request.url()) })
  await choice(page, 'nb').selectOption('en')
  await page.getByRole('button', { name: textOf('en', 'report:next') }).waitFor()
  assert.deepEqual(changes, [])
  await context.close()
})
