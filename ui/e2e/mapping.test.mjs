// A line-of-business system's log is mapped: a sample, a guess, a correction, a
// source with its key; then a new version of it.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { accessible, base, desktop, must, phone, picture, signInAs, start, stop, visit, word } from './support.mjs'

before(start)
after(stop)

const sample = ['Tidspunkt;Brukernavn;IP-adresse;Hendelse;Resultat;Kort', '22.11.2026 10:00:00;kari;192.0.2.7;Innlogging;OK;K-17', '22.11.2026 10:00:05;ola;192.0.2.8;Innlogging;Feil;K-18'].join('\n')

for (const [size, viewport] of Object.entries({ mobil: phone, skjerm: desktop })) {
  test(`a sample becomes a source, and gets a new version, on ${size}`, async () => {
    const { page, said, context } = await visit(viewport)
    const name = `Adgang ${word()}`
    await signInAs(page, 'Administrator', '/register/kilder/kartlegging')
    await page.getByLabel('Linjer fra loggen').fill(sample)
    await accessible(page, `the empty mapping page on ${size}`)
    await page.getByRole('button', { name: 'Gjett felter' }).click()
    await page.getByText('3 av 3 linjer blir hendelser.').waitFor()
    assert.equal(await page.getByLabel('Hva Brukernavn er').inputValue(), 'Brukernavn (user.name)')
    assert.equal(await page.getByLabel('Hva Kort er').inputValue(), 'Eget felt: kort')
    // What nothing is known of is given its meaning: by a part of its plain name, with the keyboard alone.
    await page.getByLabel('Hva Kort er').focus()
    await page.keyboard.type('Økt (varde.session)')
    await page.keyboard.press('Tab')
    const events = page.locator('.mapping-events > li')
    await events.nth(1).locator('summary').click()
    await events.nth(1).getByText('K-17', { exact: true }).waitFor()
    await events.nth(2).getByText('Mislykket').waitFor()
    await accessible(page, `a guessed mapping on ${size}`)
    await picture(page, `kartlegging-${size}`)
    // A time that does not fit is said at once, and mended.
    await page.getByLabel('Tidsform').fill('yyyy-MM-dd')
    await page.getByText('Tiden kan ikke leses med tidsformen.').first().waitFor()
    await accessible(page, `a mapping with lines that break on ${size}`)
    await page.getByLabel('Tidsform').fill('dd.MM.yyyy HH:mm:ss')
    await page.getByText('3 av 3 linjer blir hendelser.').waitFor()
    await page.getByLabel('Navn på kilden').fill(name)
    const saved = page.waitForResponse((r) => r.url().endsWith('/api/register/v1/sources') && r.request().method() === 'POST')
    await page.getByRole('button', { name: 'Lagre som loggkilde' }).click()
    const made = await (await saved).json()
    await page.getByText(`${name} er klar til å ta imot linjer.`).waitFor()
    await accessible(page, `a saved mapping on ${size}`)
    assert.ok(made.item.data.mappingId)
    const kept = await must(page, 'GET', `/api/register/v1/mappings/${made.item.data.mappingId}`)
    assert.match(kept.text, /varde\.session: Kort/)

    await page.getByRole('button', { name: 'Vis kartleggingen' }).click()
    await page.getByRole('heading', { name: `Kartlegging for ${name}` }).waitFor()
    await page.getByLabel('Hva Kort er').waitFor()
    await page.getByText('Ingen felter er endret siden sist.').waitFor()
    await page.getByLabel('Hva Kort er').fill('')
    await page.getByLabel('Hva Kort er').blur()
    await page.getByRole('row', { name: /Økt \(varde\.session\)/ }).waitFor()
    await picture(page, `kartlegging-versjon-${size}`)
    await page.getByRole('button', { name: 'Lagre ny versjon' }).click()
    await page.getByRole('button', { name: 'Åpne' }).waitFor()
    await accessible(page, `the versions of a mapping on ${size}`)
    const after = await must(page, 'GET', `/api/register/v1/sources/${made.item.id}`)
    assert.notEqual(after.item.data.mappingId, made.item.data.mappingId)
    assert.equal(after.history.length, 2)
    assert.deepEqual(said, [])
    await context.close()
  })
}
