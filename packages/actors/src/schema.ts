import type { StandardSchemaV1 } from '@standard-schema/spec'
import { messageOf } from '@kaitian/errors'
import { isThenable } from './shapes.js'

/** What zod, valibot, arktype and others have in common (standardschema.dev, version 1). */
export type Schema<In = unknown, Out = In> = StandardSchemaV1<In, Out>

export type Checked<Out = unknown> = { value: Out } | { issues: string[] }

/** A large array may be wrong in each element, and issues travel with an error. */
const mostIssues = 16

export function isSchema(value: unknown): value is Schema {
  if (!isObject(value) || !('~standard' in value)) return false
  const standard = value['~standard']
  if (!isObject(standard) || !('version' in standard && 'validate' in standard)) return false
  return standard.version === 1 && typeof standard.validate === 'function'
}

/**
 * The value as the schema hands it on, or what is wrong with it, in words. A
 * promise only where the schema gives one, for each costs a message a turn.
 * Neither throws nor rejects: a schema that does is an issue itself.
 */
export function validate<Out>(
  schema: Schema<unknown, Out>,
  value: unknown,
): Checked<Out> | Promise<Checked<Out>> {
  try {
    const result = schema['~standard'].validate(value)
    return isThenable(result) ? Promise.resolve(result).then(checked, broken) : checked(result)
  } catch (error) {
    return broken(error)
  }
}

function checked<Out>(result: StandardSchemaV1.Result<Out>): Checked<Out> {
  try {
    if (result.issues) return { issues: inWords(result.issues) }
    // Or one that forgets to return would let everything pass, as undefined.
    return 'value' in result ? { value: result.value } : broken('it gave neither value nor issues')
  } catch (error) {
    return broken(error)
  }
}

function broken(error: unknown): { issues: string[] } {
  return { issues: [`the schema itself failed: ${messageOf(error)}`] }
}

function inWords(issues: readonly StandardSchemaV1.Issue[]): string[] {
  const words = issues.slice(0, mostIssues).map(({ message, path = [] }) => {
    return [placeOf(path), message].filter((part) => part !== '').join(': ')
  })
  if (issues.length > mostIssues) words.push(`and ${issues.length - mostIssues} more`)
  return words.length === 0 ? ['the schema refuses it without a reason'] : words
}

const identifier = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u

/** As one would write it in code: `x.y[0]["a b"]`. */
function placeOf(path: NonNullable<StandardSchemaV1.Issue['path']>): string {
  let place = ''
  for (const segment of path) {
    const key: unknown = isObject(segment) ? segment.key : segment
    if (typeof key !== 'string') place += `[${String(key)}]`
    else if (!identifier.test(key)) place += `[${JSON.stringify(key)}]`
    else place += place === '' ? key : `.${key}`
  }
  return place
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}
