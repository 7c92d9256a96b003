// The sources of log lines: how each does at a glance, what is registered of
// it, how its sender is set up, and the way to its lines.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { accessible, base, desktop, phone, picture, settled, signInAs, start, stop, visit } from './support.mjs'

before(start)
after(stop)

test('an administrator registers a source, and finds how to set up its sender (C20)', async () => {
  const { page, said, context } = await visit(desktop)
  const name = `Fagsystem ${randomUUID().slice(0, 8)}`
  await signInAs(page, 'Administrator', '/register/kilder')
  await page.getByRole('button', { name: 'Ny loggkilde' }).click()
  const form = page.getByRole('dialog')
  await form.getByLabel('Navn').fill(name)
  await form.getByLabel('Måte').selectOption('bulk')
  await form.getByLabel('Varsle når den har vært stille i (timer)').fill('6')
  await form.getByLabel('Linjer per sekund (kvote)').fill('250')
  await accessible(page, 'the form of a source')
  await form.getByRole('button', { name: 'Lagre' }).click()
  await page.getByRole('heading', { name: 'API-nøkkel' }).waitFor()
  await page.keyboard.press('Escape')
  const row = page.getByRole('row', { name })
  await row.getByText('Aldri hørt').first().waitFor()
  await row.getByRole('link', { name }).click()
  await page.getByRole('heading', { level: 1, name }).waitFor()
  await page.getByText('6 timer', { exact: true }).waitFor()
  await page.getByText('250', { exact: true }).waitFor()
  await page.getByRole('region', { name: 'Winlogbeat' }).getByText('api_key: "source:KEY"').waitFor()
  await page.getByRole('button', { name: 'Lag ny nøkkel' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Lag ny nøkkel' }).click()
  await page.getByRole('heading', { name: 'API-nøkkel' }).waitFor()
  await page.keyboard.press('Escape')

  // What the list lacked before is edited here, and stays what it was otherwise.
  await page.getByRole('button', { name: 'Endre', exact: true }).click()
  await form.getByLabel('Måte').selectOption('syslog')
  await form.getByLabel('Adresser').fill('198.51.100.7\n2001:db8::/64')
  await form.getByLabel('Sender uregelmessig: ikke varsle om stillhet').check()
  await form.getByRole('button', { name: 'Lagre' }).click()
  await page.getByText('2001:db8::/64', { exact: true }).waitFor()
  await page.getByText('Det ventes ikke at den sender jevnlig').waitFor()
  await page.getByText('250', { exact: true }).waitFor()
  await page.getByRole('region', { name: 'syslog-ng (TLS)' }).waitFor()
  assert.deepEqual(said, [])
  await context.close()
})

for (const [size, viewport] of Object.entries({ mobil: phone, skjerm: desktop })) {
  test(`an officer sees how the sources do, and searches the lines of one, on ${size}`, async () => {
    const { page, said, context } = await visit(viewport)
    await signInAs(page, 'Personvern', '/register/kilder')
    await page.getByRole('img', { name: /linjer på 14 dager/ }).first().waitFor({ timeout: 60_000 })
    await settled(page)
    await accessible(page, `sources on ${size}`)
    await picture(page, `kilder-${size}`)
    await page.getByRole('row').filter({ has: page.getByRole('img', { name: /linjer på 14 dager/ }) }).first().getByRole('link').click()
    await page.getByRole('img', { name: /linjer på 30 dager/ }).waitFor()
    await settled(page)
    await accessible(page, `a source on ${size}`)
    await picture(page, `kilde-${size}`)
    await page.getByRole('button', { name: 'Søk i linjene' }).click()
    await page.waitForURL((url) => url.pathname.startsWith('/sok/'))
    assert.deepEqual(said, [])
    await context.close()
  })
}

test('who may not see the sources is told so', async () => {
  const { page, context } = await visit(desktop)
  await signInAs(page, 'Leder', '/saker')
  await page.goto(`${base}/register/kilder`)
  await page.getByRole('alert').waitFor()
  await context.close()
})
