// The report form must be usable within a second on a phone: what it loads
// first is counted here, compressed as it is sent. Fonts are left out; the
// page is shown in the device's own until they come.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { brotliCompressSync } from 'node:zlib'

const dist = new URL('../dist/', import.meta.url)
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8'))
const limit = 120_000

function filesOf(...entries) {
  const files = new Set()
  const seen = new Set()
  const visit = (key) => {
    if (seen.has(key)) return
    seen.add(key)
    const chunk = manifest[key]
    assert.ok(chunk, `${key} is not in the build`)
    files.add(chunk.file)
    for (const css of chunk.css ?? []) files.add(css)
    for (const imported of chunk.imports ?? []) visit(imported)
  }
  for (const entry of entries) visit(entry)
  return [...files]
}

for (const language of ['nb', 'nn', 'en']) test(`the report form loads less than 120 kB compressed (${language})`, () => {
  const files = ['index.html', ...filesOf(
    'index.html', 'src/public/entrance.tsx', 'src/features/report/ReportPage.tsx',
    ...['common', 'problem', 'public', 'report'].map((name) => `src/i18n/${language}/${name}.json`),
  )]
  const sizes = files.map((file) => [file, brotliCompressSync(readFileSync(new URL(file, dist))).length])
  const total = sizes.reduce((sum, [, size]) => sum + size, 0)
  console.log(sizes.map(([file, size]) => `${String(size).padStart(7)} ${file}`).join('\n'), `\n${String(total).padStart(7)} in all`)
  assert.ok(total <= limit, `${total} bytes`)
  assert.ok(!files.some((file) => /router|uPlot|CasePage|SearchPage/i.test(file)), 'the workplace is loaded with the form')
})
