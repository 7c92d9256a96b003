// Lines that were not understood, and reading a day again: preview first, with examples.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { accessible, desktop, phone, picture, signInAs, start, stop, visit } from './support.mjs'

before(start)
after(stop)

for (const [size, viewport] of Object.entries({ mobil: phone, skjerm: desktop })) {
  test(`a day is previewed before it is read again on ${size}`, async () => {
    const { page, said, context } = await visit(viewport)
    await signInAs(page, 'Administrator', '/register/linjer')
    await page.getByRole('heading', { name: 'Linjer som ikke ble forstått' }).waitFor()
    await page.getByRole('heading', { name: 'Tolk på nytt' }).waitFor()
    const last = page.getByRole('list').last().getByRole('listitem')
    // Another test may have a job of its own running: the button waits for it.
    await page.waitForFunction(() => [...document.querySelectorAll('form button')].some((b) => b.textContent?.includes('Vis hva som ville endret seg') && !b.disabled))
    await page.getByLabel('Fra og med').fill('2020-02-02')
    await page.getByLabel('Til og med').fill('2020-02-01')
    await page.getByRole('button', { name: 'Vis hva som ville endret seg' }).click()
    await page.getByText('Den siste dagen må ikke være før den første.').waitFor()
    await accessible(page, `faulty days on ${size}`)
    await page.getByLabel('Til og med').fill('2020-02-03')
    await page.getByRole('button', { name: 'Vis hva som ville endret seg' }).click()
    await last.filter({ hasText: '0 av 0 hendelser ville endret seg' }).first().waitFor()
    await accessible(page, `a preview on ${size}`)
    await picture(page, `linjer-${size}`)
    assert.deepEqual(said, [])
    await context.close()
  })
}
