// The report form where things go wrong, and by the keyboard alone.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { base, desktop, phone, start, stop, visit } from './support.mjs'

before(start)
after(stop)

/** Moves with Tab until the element with the name has focus. */
async function tabTo(page, name) {
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press('Tab')
    const focused = await page.evaluate(() => {
      const e = document.activeElement
      return `${e?.getAttribute('aria-label') ?? ''} ${e?.textContent ?? ''} ${e?.labels?.[0]?.textContent ?? ''} ${e?.closest('fieldset')?.querySelector('legend')?.textContent ?? ''}`
    })
    if (name.test(focused)) return
  }
  assert.fail(`Tab never reached ${name}`)
}

test('the form can be sent with the keyboard alone', async () => {
  const { page, context } = await visit(desktop)
  await page.goto(`${base}/meld/bjorkvag`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  const key = (k) => page.keyboard.press(k)
  const next = async () => { await tabTo(page, /Neste/); await key('Enter') }
  const pick = async (group, down = 0) => { await tabTo(page, group); await key('Space'); for (let i = 0; i < down; i++) await key('ArrowDown') }
  await pick(/kritikkverdige/)
  await next()
  await page.getByRole('heading', { name: 'Hva har skjedd?' }).waitFor()
  await tabTo(page, /Hva har skjedd/)
  await page.keyboard.type('Skriveren i gangen skrev ut noe som ikke var mitt')
  await pick(/noe som kan gå galt/, 1)
  await next()
  await page.getByRole('heading', { name: 'Hva ligner det mest på?' }).waitFor()
  await pick(/ligner det mest/)
  await next()
  await page.getByRole('heading', { name: 'Hvor skjedde det?' }).waitFor()
  await next()
  await page.getByRole('heading', { name: 'Når skjedde det?' }).waitFor()
  await pick(/Pågår det fortsatt/, 1)
  await next()
  await page.getByRole('heading', { name: /berørt/ }).waitFor()
  await pick(/opplysninger om personer/)
  await next()
  await page.getByRole('heading', { name: 'Hva kan det føre til?' }).waitFor()
  await pick(/Stopper det tjenester/)
  await next()
  await page.getByRole('heading', { name: 'Hva har du gjort?' }).waitFor()
  await next()
  await page.getByRole('heading', { name: /bilder eller filer/ }).waitFor()
  await next()
  await page.getByRole('heading', { name: 'Stemmer dette?' }).waitFor()
  await tabTo(page, /Send inn/)
  await key('Enter')
  await page.getByTestId('receipt-code').waitFor()
  await context.close()
})

test('what was written survives a closed tab, and is gone when thrown away', async () => {
  const { page, context } = await visit(phone)
  await page.goto(`${base}/meld/bjorkvag`)
  await page.getByRole('radio', { name: /^Nei/ }).check()
  await page.getByRole('button', { name: 'Neste' }).click()
  await page.getByRole('textbox', { name: 'Hva har skjedd?' }).fill('Halvveis skrevet')
  await page.close()
  const again = await context.newPage()
  await again.goto(`${base}/meld/bjorkvag`)
  await again.getByText(/Vi fant utkastet ditt/).waitFor()
  assert.equal(await again.getByRole('textbox', { name: 'Hva har skjedd?' }).inputValue(), 'Halvveis skrevet')
  again.on('dialog', (dialog) => void dialog.accept())
  await again.getByRole('button', { name: 'Slett utkastet' }).click()
  await again.getByRole('heading', { name: /kritikkverdige/ }).waitFor()
  assert.equal(await again.evaluate(() => Object.keys(localStorage).filter((k) => k.startsWith('varde.draft')).length), 0)
  await context.close()
})

test('a report sent without a network goes when it is back, once', async () => {
  const { page, context } = await visit(phone)
  let arrived = 0
  await page.route('**/api/deviation/v1/public/reports', async (route) => { arrived++; await route.continue() })
  await page.goto(`${base}/meld/bjorkvag`)
  const next = () => page.getByRole('button', { name: 'Neste' }).click()
  const choose = (name, group) => (group ? page.getByRole('group', { name: group }) : page).getByRole('radio', { name }).first().check()
  await choose(/^Nei/); await next()
  await page.getByRole('textbox', { name: 'Hva har skjedd?' }).fill('Uten nett i kjelleren')
  await choose(/noe som kan gå galt/); await next()
  await choose('Noe annet'); await next(); await next()
  await choose(/^Nei/, 'Pågår det fortsatt?'); await next()
  await choose('Nei', 'Handler det om opplysninger om personer?'); await next()
  await choose('Nei', 'Stopper det tjenester som folk trenger?'); await next(); await next(); await next()
  await context.setOffline(true)
  await page.getByRole('button', { name: 'Send inn' }).click()
  await page.getByText('Klar til å sendes').waitFor()
  await context.setOffline(false)
  await page.getByTestId('receipt-code').waitFor({ timeout: 40_000 })
  assert.ok(arrived >= 1)
  await context.close()
})

test('a national identity number in free text is warned about', async () => {
  const { page, context } = await visit(phone)
  await page.goto(`${base}/meld/bjorkvag`)
  await page.getByRole('radio', { name: /^Nei/ }).check()
  await page.getByRole('button', { name: 'Neste' }).click()
  const text = page.getByRole('textbox', { name: 'Hva har skjedd?' })
  await text.fill('Det gjelder 12345678901')
  assert.equal(await page.getByText(/står et fødselsnummer/).count(), 0)
  await text.fill(`Det gjelder ${madeUp()}`)
  await page.getByText(/står et fødselsnummer/).waitFor()
  await context.close()
})

/** A number of a test person (month + 80) with right control digits. */
function madeUp() {
  const control = (digits, weights) => (11 - (weights.reduce((sum, w, i) => sum + w * digits[i], 0) % 11)) % 11
  for (let serial = 100; ; serial++) {
    const digits = [...`018190${serial}`].map(Number)
    const one = control(digits, [3, 7, 6, 1, 8, 9, 4, 5, 2])
    const two = control([...digits, one], [5, 4, 3, 2, 7, 6, 5, 4, 3, 2])
    if (one < 10 && two < 10) return [...digits, one, two].join('')
  }
}
