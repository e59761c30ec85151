import { types } from 'node:util'
import { plainProperties } from './plain.js'

// What of an error that is not ours is kept, and how it is made again.

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

/** Also one of another realm, which is no `instanceof Error` here. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value)
}

/** The built-in class that it derives from; of another realm's only the name can tell. */
export function baseOf(error: Error): string | undefined {
  if (!(error instanceof Error)) return undefined
  if (error instanceof DOMException) return 'DOMException'
  if (error instanceof AggregateError) return 'AggregateError'
  const [base = 'Error'] = Object.entries(simple).find(([, type]) => error instanceof type) ?? []
  return base
}

/** `code`, `errno`, `path` and the like. */
export function propertiesOf(error: Error): Record<string, unknown> | undefined {
  const properties = plainProperties(error, reserved)
  return Object.keys(properties).length === 0 ? undefined : properties
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
  for (const [name, value] of Object.entries(foreign.properties)) {
    Object.defineProperty(error, name, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    })
  }
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
