// What is opened for a vendor and taken back, and the audit log that anyone can check.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { accessible, desktop, phone, picture, settled, signInAs, start, stop, visit, word } from './support.mjs'

before(start)
after(stop)

test('a window is requested, approved by the responsible, moved and revoked_R24_R25', async () => {
  const reason = `Oppgradering ${word()}`
  const officer = await visit(desktop)
  await signInAs(officer.page, 'Personvern', '/register/tilgangsvinduer')
  await settled(officer.page)
  await officer.page.getByRole('button', { name: 'Bestill tilgang' }).click()
  let dialog = officer.page.getByRole('dialog', { name: 'Bestill tilgangsvindu' })
  await dialog.getByRole('button', { name: 'Send bestillingen' }).click()
  await dialog.getByText('Dette må fylles ut.').first().waitFor()
  await dialog.getByLabel('Leverandør').selectOption({ label: 'Nordlys Fagsystemer AS' })
  await dialog.getByLabel('Arkivum sak og arkiv').check()
  // Some days ahead, so that it covers no login that other tests look at.
  const on = (days, time) => `${new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)}T${time}`
  await dialog.getByLabel('Fra', { exact: true }).fill(on(20, '12:00'))
  await dialog.getByLabel('Til', { exact: true }).fill(on(20, '10:00'))
  await dialog.getByLabel('Hva skal gjøres?').fill(reason)
  await dialog.getByRole('button', { name: 'Send bestillingen' }).click()
  await dialog.getByText('Til må være etter fra.').waitFor()
  await dialog.getByLabel('Til', { exact: true }).fill(on(20, '14:00'))
  await accessible(officer.page, 'request a window')
  await dialog.getByRole('button', { name: 'Send bestillingen' }).click()
  await dialog.waitFor({ state: 'detached' })
  const theirs = officer.page.locator('li', { hasText: reason })
  await theirs.getByText('Bestilt').waitFor()
  assert.equal(await theirs.getByRole('button', { name: 'Godkjenn' }).count(), 0, 'who checks afterwards does not approve')

  const { page, said, context } = await visit(phone)
  await signInAs(page, 'Leder', '/register/tilgangsvinduer')
  const row = page.locator('li', { hasText: reason })
  await row.getByRole('button', { name: 'Godkjenn' }).click()
  dialog = page.getByRole('dialog', { name: 'Godkjenn tilgangsvindu' })
  await dialog.getByText('Gyldig').waitFor()
  await accessible(page, 'approve a window')
  await picture(page, 'vindu-godkjenn-mobil')
  await dialog.getByRole('button', { name: 'Godkjenn', exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
  await row.getByText('Godkjent').waitFor()

  await row.getByRole('button', { name: 'Endre slutten' }).click()
  dialog = page.getByRole('dialog', { name: 'Endre når tilgangen slutter' })
  await dialog.getByLabel('Ny slutt').fill(on(20, '18:30'))
  await accessible(page, 'move the end of a window')
  await dialog.getByRole('button', { name: 'Lagre' }).click()
  await dialog.waitFor({ state: 'detached' })
  await row.getByText(/18\.30/).waitFor()

  await row.getByRole('button', { name: 'Trekk tilbake' }).click()
  dialog = page.getByRole('dialog', { name: 'Trekk tilbake tilgangen' })
  await dialog.getByLabel(/Hvorfor/).fill('Flyttet til neste måned')
  await accessible(page, 'revoke a window')
  await dialog.getByRole('button', { name: 'Trekk tilbake' }).click()
  await dialog.waitFor({ state: 'detached' })
  await row.getByText('Trukket tilbake').waitFor()
  assert.equal(await row.getByRole('button').count(), 0)
  await officer.page.reload()
  await theirs.getByText('Trukket tilbake').waitFor()
  assert.deepEqual([...said, ...officer.said], [])
  for (const one of [officer.context, context]) await one.close()
})

test('logs are held by one person and released by another_R39_R63', async () => {
  const reason = `Tilsyn er varslet ${word()}`
  const officer = await visit(phone)
  await signInAs(officer.page, 'Personvern', '/sikring')
  await settled(officer.page)
  await officer.page.getByRole('button', { name: 'Sikre logger' }).click()
  let dialog = officer.page.getByRole('dialog', { name: 'Sikre logger' })
  await dialog.getByRole('button', { name: 'Sikre logger' }).click()
  await dialog.getByText('Skriv grunnen med minst ti tegn.').waitFor()
  await dialog.getByLabel('Første dag').fill('2026-10-24')
  await dialog.getByLabel(/Siste dag/).fill('2026-10-25')
  await dialog.getByLabel(/Hvorfor/).fill(reason)
  await accessible(officer.page, 'hold logs')
  await picture(officer.page, 'sikre')
  await dialog.getByRole('button', { name: 'Sikre logger' }).click()
  await dialog.waitFor({ state: 'detached' })
  const own = officer.page.getByRole('listitem').filter({ hasText: reason })
  await own.getByText('24. okt. 2026 til og med 25. okt. 2026').waitFor()
  await own.getByText('En annen enn deg må oppheve denne.').waitFor()
  assert.equal(await own.getByRole('button').count(), 0)

  const { page, said, context } = await visit(desktop)
  await signInAs(page, 'Administrator', '/sikring')
  const row = page.getByRole('listitem').filter({ hasText: reason })
  await row.getByRole('button', { name: 'Opphev' }).click()
  dialog = page.getByRole('dialog', { name: 'Opphev' })
  await dialog.getByLabel(/Hvorfor/).fill('Tilsynet er avsluttet')
  await accessible(page, 'release a hold')
  await dialog.getByRole('button', { name: 'Opphev' }).click()
  await dialog.waitFor({ state: 'detached' })
  await row.getByText(/Tilsynet er avsluttet/).waitFor()
  assert.equal(await row.getByRole('button').count(), 0)
  await picture(page, 'opphevet')
  assert.deepEqual([...said, ...officer.said], [])
  for (const one of [officer.context, context]) await one.close()
})

test('the audit log is downloaded after a step-up, and can be checked without Varde', async () => {
  const varde = process.env.VARDE
  assert.ok(varde, 'VARDE names the binary that checks the file')
  const { page, said, context } = await visit(desktop)
  await signInAs(page, 'Revisor', '/revisjon')
  await settled(page)
  const download = page.getByRole('button', { name: 'Last ned til kontroll' })
  await download.click()
  const dialog = page.getByRole('dialog', { name: 'Bekreft at det er deg' })
  await dialog.getByRole('button', { name: 'Avbryt' }).click()
  await page.getByText('Handlingen ble avbrutt fordi du ikke bekreftet hvem du er.').waitFor()
  await download.click()
  await dialog.getByLabel('Passord').fill('feil')
  await dialog.getByRole('button', { name: 'Bekreft' }).click()
  await dialog.getByText(/stemmer ikke/).waitFor()
  await accessible(page, 'step-up')
  await picture(page, 'bekreft')
  await dialog.getByLabel('Passord').fill('fyr-paa-varden-2026')
  const coming = page.waitForEvent('download')
  await dialog.getByRole('button', { name: 'Bekreft' }).click()
  const file = await coming
  assert.match(file.suggestedFilename(), /^revisjonslogg-\d{4}-\d\d-\d\d\.json$/)
  await page.getByText('Filen er lastet ned.').waitFor()

  const folder = mkdtempSync(join(tmpdir(), 'varde-audit-'))
  try {
    const path = join(folder, 'log.json')
    await file.saveAs(path)
    const verify = (at) => {
      try {
        execFileSync(varde, ['verify', at], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
        return 0
      } catch (failed) {
        return failed.status
      }
    }
    assert.equal(verify(path), 0)
    const bundle = JSON.parse(readFileSync(path, 'utf8'))
    assert.ok(bundle.entries.length > 10)
    bundle.entries.splice(5, 1)
    writeFileSync(path, JSON.stringify(bundle))
    assert.equal(verify(path), 1, 'a record taken out shows')
  } finally {
    rmSync(folder, { recursive: true })
  }
  assert.deepEqual(said, [])
  await context.close()
})
