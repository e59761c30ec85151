import { KaitianError, type ErrorCode } from '@kaitian/errors'
import { closestMatch } from 'leven'
import * as v from 'valibot'

// What users give is checked by valibot schemas. A message says what a value must be ("must be a
// whole number from 1 on"); the key in front of it and the value behind it are put in here.

/** From the whole to the part: `['groups', 0, 'pace', 'alphaMs']`. */
export type Path = readonly (string | number)[]

export interface Refusal {
  readonly code: ErrorCode
  /** What the whole is, for a whole that is no object: `The options`. */
  readonly whole: string
  /** How a key is called where the user wrote it; `groups[0].pace.alphaMs` unless told. */
  readonly nameOf?: (path: Path) => string
  /** Makes a longer sentence of one: `The task in … is not usable: epochs must be ….` */
  readonly sentence?: (what: string) => string
}

/**
 * The value as the schema hands it on.
 *
 * @throws KaitianError that names the key, and for a key that is not known the nearest known one
 */
export function checked<Output>(
  schema: v.GenericSchema<unknown, Output>,
  value: unknown,
  refusal: Refusal,
): Output {
  const result = v.safeParse(schema, value, { abortPipeEarly: true })
  if (result.success) return result.output
  // A typo says more than the key that is missing for it.
  const issue = result.issues.find(isUnknownKey) ?? result.issues[0]
  const path = pathOf(issue)
  const { code, whole, nameOf = dotted, sentence = (what) => what } = refusal
  const name = path.length === 0 ? whole : nameOf(path)
  const what = `${name} ${describe(issue, path)}`
  throw new KaitianError(code, sentence(what.endsWith('?') ? what : `${what}.`), {
    fields: { option: dotted(path) },
  })
}

/** An object of these keys and no others. */
export function strict<const Entries extends v.ObjectEntries>(
  entries: Entries,
): v.StrictObjectSchema<Entries, (issue: v.StrictObjectIssue) => string> {
  const known = Object.keys(entries)
  return v.strictObject(entries, (issue) => {
    if (!isUnknownKey(issue)) return 'must be an object'
    const near = nearest(String(issue.input), known)
    return near === undefined
      ? `is not known here; known are ${known.join(', ')}`
      : `is not known here; did you mean ${near}?`
  })
}

/** The known word that was probably meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  return closestMatch(word, known, { maxDistance: Math.max(2, Math.floor(word.length / 3)) })
}

function describe(issue: Issue, path: Path): string {
  if (isUnknownKey(issue)) return issue.message
  const isKey = issue.type === 'strict_object' && path.length > 0
  if (isKey && issue.received === 'undefined') return 'is missing'
  // Errors end up in logs.
  const value = path.at(-1) === 'secret' ? kindOf(issue.input) : show(issue.input)
  return `${issue.message}; it is ${value}`
}

type Issue = v.BaseIssue<unknown>

function isUnknownKey({ type, expected }: Issue): boolean {
  return type === 'strict_object' && expected === 'never'
}

function pathOf({ path }: Issue): Path {
  return path?.map(({ key }) => (typeof key === 'number' ? key : String(key))) ?? []
}

function dotted(path: Path): string {
  return path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : text === '' ? key : `${text}.${key}`,
    '',
  )
}

const LONGEST_SHOWN = 60

/** A value as people would write it; only simple ones in full. */
function show(value: unknown): string {
  switch (typeof value) {
    case 'string': {
      const text = JSON.stringify(value)
      return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text
    }
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value)
    case 'bigint':
      return `the bigint ${value}`
    default:
      return kindOf(value)
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object') return 'an object'
  return value === '' ? 'empty' : `a ${typeof value}`
}
