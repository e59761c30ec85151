import { KaitianError, type ErrorCode } from '@kaitian/errors'
import fc from 'fast-check'

/** Plain data that JSON gives back as it was. */
const plain = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown)
const fields = fc.dictionary(fc.string(), plain, { maxKeys: 3 })
const codes = fc.constantFrom<ErrorCode>('ACTOR_FAILED', 'PROCESS_EXITED', 'MESSAGE_INVALID')
const names = fc.constantFrom('Error', 'ZodError', 'TypeError', '__proto__', '')
const types = fc.constantFrom(Error, TypeError, RangeError, SyntaxError, EvalError, URIError)

const taken = ['name', 'message', 'stack', 'cause', 'errors']
const properties = fields.map((found) =>
  Object.fromEntries(Object.entries(found).filter(([name]) => !taken.includes(name))),
)

function withOwn<E extends Error>(error: E, own: Record<string, unknown>): E {
  return Object.defineProperties(error, Object.getOwnPropertyDescriptors(own))
}

function causedBy(cause: unknown): ErrorOptions {
  return cause === undefined ? {} : { cause }
}

/** All kinds of things that are thrown, with all kinds of causes. */
export const errorTrees = fc.letrec<{ tree: unknown; leaf: unknown; error: Error }>((tie) => ({
  tree: fc.oneof({ depthSize: 'medium', maxDepth: 6 }, tie('leaf'), tie('error')),
  leaf: fc.oneof(fc.constant(undefined), plain),
  error: fc.oneof(
    fc
      .tuple(codes, fc.string(), fields, tie('tree'))
      .map(([code, text, about, cause]) => new KaitianError(code, text, { fields: about, cause })),
    fc
      .tuple(types, fc.string(), properties, tie('tree'), fc.option(names))
      .map(([Type, text, own, cause, name]) => {
        const error = withOwn(new Type(text, causedBy(cause)), own)
        if (name !== null) Object.defineProperty(error, 'name', { value: name })
        return error
      }),
    fc
      .tuple(fc.array(fc.oneof(plain, tie('error')), { maxLength: 3 }), fc.string(), tie('tree'))
      .map(([errors, text, cause]) => new AggregateError(errors, text, causedBy(cause))),
    fc
      .tuple(fc.string(), fc.constantFrom('AbortError', 'TimeoutError', 'Error'), properties)
      .map(([text, name, own]) => withOwn(new DOMException(text, name), own)),
  ),
})).tree

/** All that is to survive, as plain data. */
export function shapeOf(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return { value: thrown }
  const { name, message, stack, cause } = thrown
  const type = Object.getPrototypeOf(thrown) as { constructor: unknown }
  return {
    type: type.constructor,
    name,
    message,
    stack,
    cause: cause === undefined ? 'none' : shapeOf(cause),
    errors: thrown instanceof AggregateError ? thrown.errors.map(shapeOf) : [],
    own:
      thrown instanceof KaitianError
        ? { code: thrown.code, fields: Object.entries(thrown.fields) }
        : Object.entries(thrown),
  }
}
