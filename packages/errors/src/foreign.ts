import { types } from 'node:util'
import { define, plainProperties, read, textOf, unreadable } from './plain.js'

// What of an error that is not ours is kept, and how it is made again. Anything can be thrown, and
// anything may happen when it is looked at: it may be a proxy, and its properties getters.

type ErrorClass = new (message: string, options?: ErrorOptions) => Error

const simple: Readonly<Record<string, ErrorClass>> = {
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
}

/** Kept by name elsewhere in a record. */
const reserved = ['name', 'message', 'stack', 'cause']

/** `instanceof` for any value: of a proxy it may throw. */
export function isInstance<T>(
  value: unknown,
  type: abstract new (...args: never[]) => T,
): value is T {
  try {
    return value instanceof type
  } catch {
    return false
  }
}

/** Also one of another realm, which is no `instanceof Error` here. */
export function isError(value: unknown): value is Error {
  return isInstance(value, Error) || types.isNativeError(value)
}

/** What was thrown, in words: an error's message, else the value itself. */
export function messageOf(thrown: unknown): string {
  if (!isError(thrown)) return textOf(thrown)
  const message = read(thrown, 'message')
  return message === unreadable ? 'an error whose message cannot be read' : textOf(message)
}

/** An error's name, stack or the like, where it is a text. */
export function textIn(error: Error, name: 'name' | 'stack' | 'code'): string | undefined {
  const text = read(error, name)
  return typeof text === 'string' ? textOf(text) : undefined
}

/** The built-in class that it derives from; of another realm's only the name can tell. */
export function baseOf(error: Error): string | undefined {
  if (!isInstance(error, Error)) return undefined
  if (isInstance(error, DOMException)) return 'DOMException'
  if (isInstance(error, AggregateError)) return 'AggregateError'
  const [base = 'Error'] = Object.entries(simple).find(([, type]) => isInstance(error, type)) ?? []
  return base
}

/** `code`, `errno`, `path` and the like. */
export function propertiesOf(error: Error): Record<string, unknown> | undefined {
  const properties = plainProperties(error, reserved)
  return Object.keys(properties).length === 0 ? undefined : properties
}

/** What an AggregateError holds, at most so many. */
export function errorsIn(error: Error, most: number): unknown[] | undefined {
  if (!isInstance(error, AggregateError)) return undefined
  const errors: unknown[] = []
  try {
    for (const inner of error.errors as Iterable<unknown>) {
      if (errors.push(inner) >= most) break
    }
  } catch {
    // Those that could be had.
  }
  return errors
}

export interface ForeignError {
  base: string
  name: string
  message: string
  stack: string | undefined
  /** Holds `cause` when there is one. */
  options: ErrorOptions
  errors: readonly unknown[]
  properties: Readonly<Record<string, unknown>>
}

/** A class of which nothing but the name is known becomes an `Error` of that name. */
export function revive(foreign: ForeignError): Error {
  const error = construct(foreign)
  if (error.name !== foreign.name) hide(error, 'name', foreign.name)
  if (foreign.stack !== undefined) hide(error, 'stack', foreign.stack)
  for (const [name, value] of Object.entries(foreign.properties)) define(error, name, value)
  return error
}

function construct({ base, name, message, options, errors }: ForeignError): Error {
  if (base === 'AggregateError') return new AggregateError(errors, message, options)
  if (base === 'DOMException') {
    const error = new DOMException(message, name)
    if ('cause' in options) hide(error, 'cause', options.cause)
    return error
  }
  const type = Object.hasOwn(simple, base) ? simple[base] : Error
  return new type(message, options)
}

/** As the language defines them: not enumerable. Assigning would fail on a DOMException. */
function hide(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value, writable: true, configurable: true })
}
