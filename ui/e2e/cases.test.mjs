// What is done with a case besides the way to its closing: handed over, linked,
// refused to whoever is involved.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { accessible, base, call, caseWith, desktop, must, phone, picture, place, report, settled, signInAs, start, stop, until, visit, word } from './support.mjs'

before(start)
after(stop)

const archive = 'Arkivum sak og arkiv'

test('a case is handed over, with a word to the one who takes it', async () => {
  const unique = word()
  const { page, said, context } = await visit(phone)
  await signInAs(page, 'Leder', '/saker')
  await report(page, `Utskrift glemt på kopirommet ${unique}`, { systemId: await place(page, 'systems', archive) })
  await page.getByRole('link', { name: new RegExp(unique) }).click({ timeout: 30_000 })
  await settled(page)
  await page.getByRole('button', { name: 'Flere valg' }).click()
  await page.getByRole('button', { name: 'Overlat saken' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Overlat saken' }).click()
  await dialog.getByText('Dette må fylles ut.').waitFor()
  const who = dialog.getByLabel('Hvem skal ta over?')
  await who.locator('option', { hasText: 'Rune Dahle' }).waitFor({ state: 'attached' })
  await who.selectOption({ label: await who.locator('option', { hasText: 'Rune Dahle' }).textContent() })
  await dialog.getByLabel(/Melding til den som tar over/).fill('Du kjenner kopirommet.')
  await accessible(page, 'hand over')
  await dialog.getByRole('button', { name: 'Overlat saken' }).click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByRole('heading', { name: 'Hvorfor saken er hos Rune Dahle' }).waitFor()
  await page.locator('#vei').getByText('Saken ble overlatt av den som hadde den.').first().waitFor()
  await page.locator('#om').getByText('Rune Dahle').waitFor()
  assert.deepEqual(said, [])
  await context.close()
})

test('two cases are linked, seen from both, and unlinked', async () => {
  const [first, second] = [word(), word()]
  const { page, said, context } = await visit(desktop)
  await signInAs(page, 'Leder', '/saker')
  const systemId = await place(page, 'systems', archive)
  await report(page, `Nøkkel borte ${first}`, { systemId })
  await report(page, `Nøkkelen fortsatt borte ${second}`, { systemId })
  const [one, two] = [await caseWith(page, first), await caseWith(page, second)]
  await page.goto(`${base}/saker/${two.id}`)
  await settled(page)
  const panel = page.locator('#koblinger')
  await panel.getByText('Saken er ikke koblet til andre saker.').waitFor()
  await panel.getByRole('button', { name: 'Koble til sak' }).click()
  const dialog = page.getByRole('dialog', { name: `Koble ${two.number} til en annen sak` })
  await dialog.getByRole('button', { name: 'Koble sakene' }).click()
  await dialog.getByText('Velg en sak.').waitFor()
  await dialog.getByLabel('Hva er denne saken?').selectOption({ label: 'Duplikat: samme hendelse som den andre' })
  await dialog.getByLabel('Finn saken').fill(first)
  await dialog.getByRole('radio', { name: new RegExp(first) }).check()
  assert.equal(await dialog.getByRole('radio').count(), 1, 'the case itself and what does not fit are not offered')
  await accessible(page, 'link')
  await picture(page, 'koble-saker')
  await dialog.getByRole('button', { name: 'Koble sakene' }).click()
  await dialog.waitFor({ state: 'detached' })
  await panel.getByText('Duplikat av').waitFor()
  await panel.getByRole('link', { name: one.number }).click()
  await page.getByRole('heading', { level: 1, name: new RegExp(first) }).waitFor()
  await panel.getByText('Har duplikat').waitFor()
  await page.locator('#historikk').getByText('Koblet saken til en annen').waitFor()
  await accessible(page, 'a linked case')
  await panel.getByRole('button', { name: `Fjern koblingen til ${two.number}` }).click()
  await panel.getByText('Saken er ikke koblet til andre saker.').waitFor()
  assert.deepEqual((await must(page, 'GET', `/api/cases/v1/cases/${two.id}`)).links, [])
  assert.deepEqual(said, [])
  await context.close()
})

test('a manager cannot handle the case of their own report_N3', async () => {
  const unique = word()
  const officer = await visit(desktop)
  await signInAs(officer.page, 'Personvern', '/saker/alle')
  const { page, said, context } = await visit(phone)
  await signInAs(page, 'Leder', '/mine')
  const form = await must(page, 'GET', '/api/deviation/v1/public/tenants/bjorkvag/forms/general')
  await must(page, 'POST', '/api/deviation/v1/reports', {
    tenant: 'bjorkvag', formType: form.formType, formVersion: form.version, submissionId: crypto.randomUUID(),
    answers: { about: 'no', whatHappened: `Jeg glemte å låse ${unique}`, happened: 'happened', category: 'unlocked-pc', ongoing: 'no', personalData: 'no', seen: 'no', services: 'no', systemId: await place(page, 'systems', archive) },
  })
  const found = await caseWith(officer.page, unique)
  assert.notEqual(found.handler?.name, 'Torgeir Moe')
  await page.goto(`${base}/saker/${found.id}`)
  await settled(page)
  await page.getByText('Du er involvert i saken').first().waitFor()
  for (const name of ['Ta imot saken', 'Ta en beslutning', 'Legg til tiltak', 'Lukk saken', 'Koble til sak']) assert.equal(await page.getByRole('button', { name }).count(), 0, name)
  await accessible(page, 'a case one is involved in')
  const refused = await call(page, 'POST', `/api/cases/v1/cases/${found.id}/decisions`, { kind: 'no-action', reason: 'Mitt eget' })
  assert.deepEqual([refused.status, refused.body.type.split('/').pop()], [403, 'involved'])
  assert.deepEqual(said, [])
  await until('the case is still open', async () => (await must(officer.page, 'GET', `/api/cases/v1/cases/${found.id}`)).decisions.length === 0)
  for (const one of [officer.context, context]) await one.close()
})
