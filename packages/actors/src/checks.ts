import { KaitianError } from '@kaitian/errors'

// Options are looked at before anything starts, each by its name. By hand and not by a schema
// library, because asks and spawns have them too, and those cost less than such a library's checks.

/** What an option has to be. It may be left out, unless its owner says otherwise. */
export interface Rule {
  readonly is: string
  readonly fits: (value: unknown) => boolean
}

/** The options that a call knows, by name: of one that holds others, those. */
export type Shape = readonly Option[]

interface Option {
  readonly name: string
  readonly rule: Rule | undefined
  readonly within: Shape | undefined
}

/**
 * Made once, as a list: to go through an object costs several times as much. The compiler sees to it
 * that there is a rule for each of the options.
 */
export function shapeOf<Options>(
  options: Readonly<Record<keyof Options & string, Rule | Shape>>,
): Shape {
  return Object.entries<Rule | Shape>(options).map(([name, what]) =>
    'fits' in what
      ? { name, rule: what, within: undefined }
      : { name, rule: undefined, within: what },
  )
}

const number = (is: string, fits: (value: number) => boolean): Rule => ({
  is,
  fits: (value) => typeof value === 'number' && fits(value),
})

/** From now; what is past is at once. */
export const anyMs = number('a number of milliseconds', (ms) => !Number.isNaN(ms))
export const finiteTime = number('a finite number of milliseconds', Number.isFinite)
/** How long something may take. */
export const limitMs = number('a number of milliseconds ≥ 0', (ms) => ms >= 0)
/** How long something takes: it has to be over some time. */
export const finiteMs = number(
  'a finite number of milliseconds ≥ 0',
  (ms) => ms >= 0 && ms < Infinity,
)
export const positiveMs = number('a number of milliseconds > 0', (ms) => ms > 0)
export const wholeNumber = number('a whole number', Number.isSafeInteger)

export function wholeFrom(least: number): Rule {
  return number(
    `a whole number of at least ${least}`,
    (count) => Number.isSafeInteger(count) && count >= least,
  )
}

/** How often something may happen; `Infinity` for any number of times. */
export const times = number(
  'a whole number of at least 0, or Infinity',
  (count) => (Number.isSafeInteger(count) || count === Infinity) && count >= 0,
)

export function oneOf(words: readonly string[]): Rule {
  return { is: `one of ${words.join(', ')}`, fits: (value) => words.includes(value as string) }
}

export const flag: Rule = { is: 'true or false', fits: (value) => typeof value === 'boolean' }

export const callback: Rule = { is: 'a function', fits: (value) => typeof value === 'function' }

export const url: Rule = { is: 'a URL', fits: (value) => value instanceof URL }

export const anything: Rule = { is: 'anything', fits: () => true }

/** Also one of another realm, or somebody else's class. */
export const abortSignal: Rule = {
  is: 'an AbortSignal',
  fits: (value) => has(value, 'addEventListener') && typeof value.aborted === 'boolean',
}

/** A parameter of the user's: something with these methods. */
export function withMethods(is: string, ...methods: string[]): Rule {
  return { is, fits: (value) => methods.every((method) => has(value, method)) }
}

function has(value: unknown, method: string): value is Record<string, unknown> {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function'
  return isObject && typeof (value as Record<string, unknown>)[method] === 'function'
}

/**
 * Refuses what cannot be meant.
 *
 * @param call which call these are of, as an error begins
 * @throws `BAD_ARGUMENT` that names the option
 */
export function checkOptions(call: string, options: unknown, shape: Shape): void {
  const problem = problemIn(options, shape)
  if (problem !== undefined) throw refusal(call, problem)
}

/** Refuses an argument, which is not left out. */
export function checkArgument(call: string, name: string, value: unknown, rule: Rule): void {
  if (!rule.fits(value)) throw refusal(call, misfit(name, rule.is, value))
}

interface Problem {
  /** Its name, with those of the options that hold it: `restart.max`. */
  readonly option: string
  readonly sentence: string
}

export function refusal(call: string, { option, sentence }: Problem): KaitianError {
  return new KaitianError('BAD_ARGUMENT', `${call}: ${sentence}`, { fields: { option } })
}

/** What is wrong with them, if anything is. */
export function problemIn(options: unknown, shape: Shape, owner = ''): Problem | undefined {
  if (typeof options !== 'object' || options === null) {
    return misfit(owner === '' ? 'options' : owner.slice(0, -1), 'an object', options)
  }
  const given = options as Record<string, unknown>
  let known = 0
  // By the names that are known, for a getter of a class is no key of its instances.
  for (let i = 0; i < shape.length; i++) {
    const { name, rule, within } = shape[i]
    const value = given[name]
    if (value === undefined) continue
    known++
    if (rule !== undefined) {
      if (!rule.fits(value)) return misfit(owner + name, rule.is, value)
    } else {
      const problem = problemIn(value, within as Shape, `${owner}${name}.`)
      if (problem !== undefined) return problem
    }
  }
  for (const _ in given) known--
  return known < 0 ? unknownIn(given, shape, owner) : undefined
}

/** There are more than are known; but those that are undefined count as left out. */
function unknownIn(
  given: Readonly<Record<string, unknown>>,
  shape: Shape,
  owner: string,
): Problem | undefined {
  const names = shape.map(({ name }) => name)
  const unknown = Object.keys(given).find(
    (name) => given[name] !== undefined && !names.includes(name),
  )
  if (unknown === undefined) return undefined
  const option = owner + unknown
  return { option, sentence: `there is no option ${option}, only ${names.join(', ')}` }
}

function misfit(option: string, is: string, value: unknown): Problem {
  return { option, sentence: `${option} is ${is}, not ${shown(value)}` }
}

/** Without running code of the user's. */
function shown(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)
    case 'object':
      return value === null ? 'null' : Array.isArray(value) ? 'an array' : 'an object'
    case 'function':
      return 'a function'
    default:
      return String(value)
  }
}
