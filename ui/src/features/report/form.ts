import type { components } from '../../api/deviation'

export type Form = components['schemas']['Form']
export type Step = components['schemas']['FormStep']
export type FormField = components['schemas']['FormField']
type Condition = components['schemas']['Condition']

export type Answer = string | string[] | boolean | number
export type Answers = Record<string, Answer>

/** The form's own text for a key, in the language wanted, else in bokmål. */
export function formText(form: Pick<Form, 'texts'>, language: string, key: string | undefined): string {
  if (!key) return ''
  return form.texts[language]?.[key] ?? form.texts.nb?.[key] ?? key
}

function holds(condition: Condition | undefined, answers: Answers): boolean {
  if (!condition) return true
  const answer = answers[condition.field]
  const given = Array.isArray(answer) ? answer : answer === undefined ? [] : [String(answer)]
  return given.some((value) => condition.in.includes(value))
}

/** The fields of a step that are asked, as the answers stand. */
export function visibleFields(step: Step, answers: Answers): FormField[] {
  return step.fields.filter((field) => holds(field.when, answers))
}

/** The steps that are asked, as the answers stand. One without fields left is passed over. */
export function visibleSteps(form: Pick<Form, 'steps'>, answers: Answers): Step[] {
  return form.steps.filter((step) => holds(step.when, answers) && (step.fields.length === 0 || visibleFields(step, answers).length > 0))
}

export function isAnswered(answer: Answer | undefined): boolean {
  if (answer === undefined) return false
  if (typeof answer === 'string') return answer.trim() !== ''
  return !Array.isArray(answer) || answer.length > 0
}

/** Names of the required fields of a step that have no answer. */
export function missingFields(step: Step, answers: Answers): string[] {
  return visibleFields(step, answers)
    .filter((field) => field.required && field.name && !isAnswered(answers[field.name]))
    .map((field) => field.name)
}

/**
 * The answers to send: what is hidden is not sent, even where it was answered
 * before the answer that hid it (R66). Hiding can hide more, so it is repeated
 * until nothing changes.
 */
export function answersToSend(form: Pick<Form, 'steps'>, answers: Answers): Answers {
  let kept = answers
  for (;;) {
    const asked = new Set(visibleSteps(form, kept).flatMap((step) => visibleFields(step, kept)).map((field) => field.name))
    const next = Object.fromEntries(
      Object.entries(kept).filter(([name, answer]) => asked.has(name) && isAnswered(answer)),
    )
    if (Object.keys(next).length === Object.keys(kept).length) return next
    kept = next
  }
}

/** The step that asks a field, for a fault that the server found. */
export function stepOf(form: Pick<Form, 'steps'>, fieldName: string): Step | undefined {
  return form.steps.find((step) => step.fields.some((field) => field.name === fieldName))
}
