// The whole way, once: an employee reports on a phone, the manager handles it,
// the security officer checks the effect, the manager closes, the employee is told.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { accessible, base, desktop, phone, photo, picture, settled, signInAs, start, stop, visit } from './support.mjs'

before(start)
after(stop)

const what = `Adgangskort til arkivet ligger fremme i resepsjonen ${Date.now().toString(36)}`

/** Answers the general form up to the look over. `choose` presses what a thumb would. */
async function answerForm(page, { files } = {}) {
  const next = () => page.getByRole('button', { name: 'Neste' }).click()
  const choose = (name, group) => (group ? page.getByRole('group', { name: group }) : page).getByRole('radio', { name }).first().check()
  await choose(/^Nei/)
  await next()
  await page.getByRole('textbox', { name: 'Hva har skjedd?' }).fill(what)
  await choose('Noe har skjedd')
  await next()
  await choose('Noe annet')
  await next()
  await page.getByLabel('Datasystem').selectOption({ label: 'Arkivum sak og arkiv' })
  await next()
  await page.getByRole('button', { name: 'Nå nettopp' }).click()
  await choose(/^Nei, det er over/, 'Pågår det fortsatt?')
  await next()
  await page.getByRole('checkbox', { name: 'Ansatte' }).check()
  await choose('Nei', 'Handler det om opplysninger om personer?')
  await next()
  await choose('Nei', 'Har noen sett, endret, mistet eller fått tak i noe de ikke skulle?')
  await choose('Nei', 'Stopper det tjenester som folk trenger?')
  await next()
  await page.getByLabel(/Dette har jeg gjort/).fill('Låste kortet inn i skapet.')
  await next()
  if (files) {
    await page.locator('[data-testid=files]').setInputFiles(files)
    await page.getByText('Lagt ved').waitFor()
  }
  await next()
}

let code
test('an employee reports anonymously on a phone with a photo, and gets a code', async () => {
  const { page, said, context } = await visit(phone)
  await page.goto(base)
  await page.getByRole('link', { name: /Meld avvik/ }).click()
  await page.getByRole('link', { name: 'Bjørkvåg kommune' }).click()
  await page.getByRole('heading', { level: 1, name: /kritikkverdige forhold/ }).waitFor()
  await accessible(page, 'report form')
  await answerForm(page, { files: [{ name: 'kort.png', mimeType: 'image/png', buffer: photo() }] })
  await page.getByRole('heading', { name: 'Stemmer dette?' }).waitFor()
  await accessible(page, 'look over')
  await picture(page, 'meld-se-over')
  await page.getByRole('button', { name: 'Send inn' }).click()
  await page.getByRole('heading', { name: /vi har mottatt meldingen/ }).waitFor()
  code = (await page.getByTestId('receipt-code').textContent()).trim()
  assert.match(code, /^[0-9A-Z]{5}(-[0-9A-Z]{5}){3}$/)
  assert.ok(!page.url().includes(code), 'the code stands in no address')
  await accessible(page, 'receipt')
  await picture(page, 'kvittering')
  assert.equal(await page.evaluate(() => Object.keys(localStorage).filter((k) => k.startsWith('varde.draft')).length), 0, 'nothing is left on the device')
  await page.getByRole('link', { name: 'Følg opp avviket' }).click()
  await page.getByText(what).first().waitFor()
  await page.getByText('kort.png').waitFor()
  await accessible(page, 'follow-up')
  assert.deepEqual(said, [])
  await context.close()
})

let caseAddress
test('the manager finds it in the queue, takes it on, asks, decides and adds measures_R8_R9', async () => {
  const { page, said, context } = await visit(phone)
  await signInAs(page, 'Leder')
  await page.waitForURL('**/saker')
  // It comes over the bus; the queue fetches by itself.
  await page.getByRole('link', { name: new RegExp(what) }).click({ timeout: 30_000 })
  await settled(page)
  caseAddress = page.url()
  await page.getByText('Låste kortet inn i skapet.').waitFor()
  await page.locator('#vei').getByText(/Saken gikk til daglig ansvarlig for Arkivum/).waitFor()
  await page.getByRole('link', { name: /kort\.png/ }).waitFor()
  await accessible(page, 'case on a phone')
  await page.getByRole('button', { name: 'Ta imot saken' }).click()
  await page.getByLabel('Skriv til melder').fill('Vet du når kortet ble lagt der?')
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await page.getByText('Vet du når kortet ble lagt der?').first().waitFor()

  await page.locator('.next-step').getByRole('button', { name: 'Ta en beslutning' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Lagre beslutningen' }).click()
  await dialog.getByText('Dette må fylles ut.').first().waitFor()
  await dialog.getByRole('radio', { name: /Følges opp med tiltak/ }).check()
  await dialog.getByLabel('Begrunnelse').fill('Kort skal ligge innelåst.')
  await accessible(page, 'decide')
  await dialog.getByRole('button', { name: 'Lagre beslutningen' }).click()
  await dialog.waitFor({ state: 'detached' })

  for (const [kind, text] of [['Korrigerende', 'Tell opp kortene'], ['Forebyggende', 'Kortene låses inn hver kveld']]) {
    await page.locator('#tiltak').getByRole('button', { name: 'Legg til tiltak' }).click()
    await dialog.getByRole('radio', { name: new RegExp(kind) }).check()
    await dialog.getByLabel('Hva skal gjøres?').fill(text)
    await dialog.getByLabel('Hvem gjør det?').selectOption({ label: await ownerLabel(dialog) })
    await dialog.getByRole('button', { name: 'Legg til' }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.locator('#tiltak').getByText(text).waitFor()
  }
  assert.deepEqual(said, [])
  await context.close()
})

/** Somebody other than the manager and the officer, who have other parts in this. */
async function ownerLabel(dialog) {
  const select = dialog.getByLabel('Hvem gjør det?')
  await dialog.page().waitForFunction((element) => element.options.length > 1, await select.elementHandle())
  const labels = await select.locator('option').allTextContents()
  return labels.slice(1).find((label) => !/Moe|Vold/.test(label)) ?? labels[1]
}

test('the reporter answers and proposes a measure with the code_R14', async () => {
  const { page, context } = await visit(phone)
  await page.goto(`${base}/oppfolging`)
  await page.getByLabel('Kommune').selectOption({ label: 'Bjørkvåg kommune' })
  await page.getByLabel('Kode').fill(code.toLowerCase())
  await page.getByRole('button', { name: 'Vis avviket' }).click()
  await page.getByText('Vet du når kortet ble lagt der?').waitFor({ timeout: 20_000 })
  await page.getByText('Du har fått et spørsmål').waitFor()
  await page.getByRole('textbox', { name: 'Skriv svaret ditt' }).fill('I morges, tror jeg.')
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await page.getByText('I morges, tror jeg.').first().waitFor()
  await page.getByRole('radio', { name: /Foreslå et tiltak/ }).check()
  await page.getByRole('textbox', { name: 'Foreslå et tiltak' }).fill('Heng opp en nøkkelboks.')
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await page.locator('.bubble', { hasText: 'Heng opp en nøkkelboks.' }).waitFor()
  await context.close()
})

test('the case cannot be closed before measures and effect check_R10', async () => {
  const { page, said, context } = await visit(desktop)
  await signInAs(page, 'Leder', new URL(caseAddress).pathname)
  await settled(page)
  await page.getByText('I morges, tror jeg.').waitFor({ timeout: 20_000 })
  await page.getByText(/Alle tiltak gjennomført eller flyttet \(2 gjenstår\)/).waitFor()
  assert.equal(await page.getByRole('button', { name: 'Lukk saken' }).count(), 0)
  await accessible(page, 'case')
  await picture(page, 'sak-tiltak')
  for (let left = 2; left > 0; left--) {
    const open = page.locator('#tiltak').getByRole('button', { name: 'Gjennomført' })
    await open.first().click()
    await page.waitForFunction((n) => document.querySelectorAll('#tiltak .measure .ds-button').length === n, (left - 1) * 3)
  }
  await page.locator('#effekt').getByRole('button', { name: 'Be noen kontrollere' }).click()
  const dialog = page.getByRole('dialog')
  const officer = await dialog.getByLabel('Hvem skal kontrollere?').locator('option', { hasText: 'Ingrid Vold' }).textContent({ timeout: 10_000 })
  await dialog.getByLabel('Hvem skal kontrollere?').selectOption({ label: officer })
  await dialog.getByRole('button', { name: 'Be noen kontrollere' }).click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByText('Ingrid Vold er bedt om å kontrollere.').waitFor()
  assert.equal(await page.getByRole('button', { name: 'Lukk saken' }).count(), 0)
  assert.deepEqual(said, [])
  await context.close()
})

test('the security officer checks the effect, the manager closes, the reporter is told_R10_R14', async () => {
  const officer = await visit(desktop)
  await signInAs(officer.page, 'Personvern', new URL(caseAddress).pathname)
  await settled(officer.page)
  await officer.page.locator('#effekt').getByRole('button', { name: 'Registrer effektkontroll' }).click()
  let dialog = officer.page.getByRole('dialog')
  await dialog.getByRole('radio', { name: 'Ja, tiltakene virker' }).check()
  await dialog.getByLabel('Hva ble kontrollert?').fill('Gikk innom resepsjonen to kvelder.')
  await dialog.getByRole('button', { name: 'Lagre' }).click()
  await dialog.waitFor({ state: 'detached' })
  await officer.context.close()

  const manager = await visit(desktop)
  await signInAs(manager.page, 'Leder', new URL(caseAddress).pathname)
  await settled(manager.page)
  await manager.page.locator('.next-step').getByRole('button', { name: 'Lukk saken' }).click()
  dialog = manager.page.getByRole('dialog')
  await dialog.getByLabel('Oppsummering').fill('Kortene låses nå inn.')
  await dialog.getByLabel('Hva melder får vite').fill('Takk. Kortene låses nå inn hver kveld.')
  await accessible(manager.page, 'close')
  await dialog.getByRole('button', { name: 'Lukk saken' }).click()
  await dialog.waitFor({ state: 'detached' })
  await manager.page.getByText('Kortene låses nå inn.').first().waitFor()
  await manager.context.close()

  const reporter = await visit(phone)
  await reporter.page.goto(`${base}/oppfolging`)
  await reporter.page.getByLabel('Kommune').selectOption({ label: 'Bjørkvåg kommune' })
  await reporter.page.getByLabel('Kode').fill(code)
  const told = reporter.page.getByText('Takk. Kortene låses nå inn hver kveld.')
  for (let tries = 0; tries < 10 && !(await told.isVisible().catch(() => false)); tries++) {
    const again = reporter.page.getByRole('button', { name: tries === 0 ? 'Vis avviket' : 'Se etter nytt' })
    await again.click()
    await reporter.page.waitForTimeout(1_000)
  }
  await told.waitFor()
  await reporter.page.getByText('Avviket er ferdig behandlet.').waitFor()
  await accessible(reporter.page, 'closed follow-up')
  await picture(reporter.page, 'oppfolging-lukket')
  await reporter.context.close()
})

test('a signed-in employee finds the report under "Mine avvik"', async () => {
  const { page, said, context } = await visit(phone)
  await signInAs(page, 'Ansatt', '/meld/bjorkvag')
  await page.getByRole('heading', { name: 'Vil du melde med navn?' }).waitFor()
  await page.getByRole('radio', { name: /^Ja, som/ }).check()
  await page.getByRole('button', { name: 'Neste' }).click()
  await answerForm(page)
  await page.getByText(/Med navn: /).waitFor()
  await page.getByRole('button', { name: 'Send inn' }).click()
  await page.getByTestId('receipt-code').waitFor()
  await page.goto(`${base}/mine`)
  await page.getByRole('link', { name: new RegExp(what) }).first().click()
  await page.getByText('Slik står det til').waitFor()
  await accessible(page, 'my report')
  assert.deepEqual(said, [])
  await context.close()
})
