import * as v from 'valibot'

// Kinds of values that users give, with the words for one that is none. See `checked`.

/* oxlint-disable typescript/explicit-function-return-type -- valibot's types say what is checked */

/** Any longer, and a timer would fire at once. */
export const LONGEST_MS = 2 ** 31 - 1

export function whole(least: number, most = Number.MAX_SAFE_INTEGER) {
  const message =
    most === Number.MAX_SAFE_INTEGER
      ? `must be a whole number from ${least} on`
      : `must be a whole number from ${least} to ${most}`
  return v.pipe(
    v.number(message),
    v.safeInteger(message),
    v.minValue(least, message),
    v.maxValue(most, message),
  )
}

export function between(least: number, most: number, unit = '') {
  const message = `must be a number from ${least} to ${most}${unit}`
  return v.pipe(v.number(message), v.minValue(least, message), v.maxValue(most, message))
}

export function above(least: number) {
  const message = `must be a finite number above ${least}`
  return v.pipe(v.number(message), v.finite(message), v.gtValue(least, message))
}

export function atLeast(least: number) {
  const message = `must be a finite number ≥ ${least}`
  return v.pipe(v.number(message), v.finite(message), v.minValue(least, message))
}

export const flag = v.boolean('must be true or false')

const TEXT = 'must be a text that is not empty'
export const text = v.pipe(v.string(TEXT), v.nonEmpty(TEXT))

/** One of these words. */
export function oneOf<const Words extends readonly string[]>(words: Words) {
  const quoted = words.map((word) => `'${word}'`)
  const all = [quoted.slice(0, -1).join(', '), ...quoted.slice(-1)].filter((part) => part !== '')
  return v.picklist(words, `must be ${all.join(' or ')}`)
}

export function listOf<Item extends v.GenericSchema>(item: Item, least = 0) {
  const message = least === 0 ? 'must be a list' : `must be a list of at least ${least}`
  return v.pipe(v.array(item, message), v.minLength(least, message))
}

/** Values by names that the user chose: `constructor` is one like any other. */
export function byName<Item>(item: v.GenericSchema<unknown, Item>) {
  return v.pipe(
    v.custom<Readonly<Record<string, Item>>>(isPlainObject, 'must be an object'),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return
      for (const [key, value] of Object.entries(dataset.value)) {
        const { issues } = v.safeParse(item, value)
        if (issues === undefined) continue
        const input = dataset.value
        const at = { type: 'object', origin: 'value', input, key, value } as const
        addIssue({ message: issues[0].message, input: value, path: [at] })
      }
    }),
  )
}

function isPlainObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Data that can be sent to a thread. */
export const cloneable = v.pipe(
  v.custom<Readonly<Record<string, unknown>>>(isPlainObject, 'must be an object'),
  v.check(canBeCloned, 'must be plain data, which can be sent to a thread'),
)

function canBeCloned(value: Readonly<Record<string, unknown>>): boolean {
  try {
    structuredClone(value)
    return true
  } catch {
    return false
  }
}
