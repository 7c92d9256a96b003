import { describe, expect, it } from 'vitest'
import { answersToSend, missingFields, visibleSteps, type Form } from './form'

const form: Pick<Form, 'steps'> = {
  steps: [
    { id: 'what', title: 'what', fields: [{ name: 'category', widget: 'choice', required: true }] },
    {
      id: 'vendor', title: 'vendor', when: { field: 'category', in: ['vendor-access'] },
      fields: [{ name: 'knowsVendor', widget: 'choice' }, { name: 'vendorName', widget: 'text', required: true, when: { field: 'knowsVendor', in: ['yes'] } }],
    },
    { id: 'after', title: 'after', when: { field: 'vendorName', in: ['Acme'] }, fields: [{ name: 'more', widget: 'text' }] },
  ],
}

describe('the form asks one thing after another', () => {
  it('asks only what the answers lead to', () => {
    expect(visibleSteps(form, {}).map((s) => s.id)).toEqual(['what'])
    expect(visibleSteps(form, { category: 'vendor-access' }).map((s) => s.id)).toEqual(['what', 'vendor'])
  })
  it('asks for the required answers of what is visible', () => {
    const vendor = form.steps[1]!
    expect(missingFields(vendor, { category: 'vendor-access' })).toEqual([])
    expect(missingFields(vendor, { category: 'vendor-access', knowsVendor: 'yes' })).toEqual(['vendorName'])
    expect(missingFields(vendor, { category: 'vendor-access', knowsVendor: 'yes', vendorName: '  ' })).toEqual(['vendorName'])
  })
  it('sends no hidden answer, nor what hangs on one_R66', () => {
    const all = { category: 'vendor-access', knowsVendor: 'yes', vendorName: 'Acme', more: 'x' }
    expect(answersToSend(form, all)).toEqual(all)
    expect(answersToSend(form, { ...all, knowsVendor: 'no' })).toEqual({ category: 'vendor-access', knowsVendor: 'no' })
    expect(answersToSend(form, { ...all, category: 'other' })).toEqual({ category: 'other' })
  })
})
