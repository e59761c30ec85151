import {
  baseOf,
  errorsIn,
  isError,
  isInstance,
  messageOf,
  propertiesOf,
  revive,
  textIn,
} from './foreign.js'
import { plainCopy, plainProperties, read, textOf, unreadable } from './plain.js'

/**
 * The one error class. Callers dispatch on `code`, people read the sentence:
 * it says what happened and what to do. Class, code, cause and fields survive
 * a thread or a host, because `toRecord` and `fromRecord` carry them as plain
 * data (structured clone keeps only name, message and stack).
 */
export class KaitianError extends Error {
  override readonly name = 'KaitianError'
  readonly code: ErrorCode
  /** What the failure was about: names, sizes, limits. Plain data only. */
  readonly fields: Readonly<Record<string, unknown>>

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; fields?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.fields = options.fields ?? {}
  }

  toRecord(): ErrorRecord {
    return new Recorder().record(this, 1)
  }

  /** In JSON, as in a service's log, an error is its record; of any other error almost nothing is left. */
  toJSON(): ErrorRecord {
    return this.toRecord()
  }

  static fromRecord(record: ErrorRecord): KaitianError {
    return ours(record, 1)
  }
}

/** An error as plain data, fit for structured clone, msgpack and JSON. */
export interface ErrorRecord {
  name: string
  message: string
  /** Only a KaitianError has one; a foreign error's `code` is one of its properties. */
  code?: ErrorCode
  /** A KaitianError's; those that are no plain data are left out. */
  fields?: Record<string, unknown>
  stack?: string
  cause?: ErrorRecord
  /** The built-in class it comes back as, where its name does not say so. */
  base?: string
  /** A foreign error's own properties that are plain data: `code`, `errno`, `path` … */
  properties?: Record<string, unknown>
  /** What an AggregateError holds. */
  errors?: ErrorRecord[]
  /** What was thrown, when that was plain data instead of an error. */
  value?: unknown
}

/**
 * Stable names; a new failure gets a new code rather than a vaguer old one.
 * Each is documented in docs/errors.md.
 */
export type ErrorCode =
  // a user's input, refused before anything starts
  | 'BAD_ARGUMENT'
  | 'BAD_CONFIG'
  | 'BAD_MODEL'
  | 'BAD_LOOP'
  | 'BAD_TASK'
  | 'BATCH_TOO_SMALL'
  | 'BUNDLED'
  | 'DATA_CORRUPT'
  | 'DATA_MISSING'
  | 'UNKNOWN_DEVICE'
  | 'UNKNOWN_ENGINE'
  | 'FILE_CORRUPT'
  | 'FILE_WRITE_FAILED'
  | 'OUTPUT_LOST'
  | 'TOO_MANY_OPEN_FILES'
  // actors
  | 'ACTOR_FAILED'
  | 'ACTOR_QUARANTINED'
  | 'ACTOR_RESTARTING'
  | 'ACTOR_STOPPED'
  | 'ASK_ABORTED'
  | 'ASK_TIMEOUT'
  | 'MAILBOX_FULL'
  | 'MESSAGE_DROPPED'
  | 'MESSAGE_INVALID'
  | 'MESSAGE_NOT_CLONEABLE'
  | 'PROCESS_EXITED'
  | 'MESSAGE_TOO_LARGE'
  | 'SPAWN_FAILED'
  | 'SYSTEM_STOPPED'
  | 'THREAD_EXITED'
  | 'UNKNOWN_MESSAGE'
  // collectives
  | 'COMMUNICATOR_ABORTED'
  | 'DEADLINE_EXCEEDED'
  | 'NATIVE_BUILD_FAILED'
  | 'NATIVE_LOAD_FAILED'
  | 'PEER_DOWN'
  | 'RESULT_WRONG'
  | 'SIGNATURE_MISMATCH'
  | 'UNSUPPORTED_DTYPE'
  | 'UNSUPPORTED_OP'
  | 'UNSUPPORTED_PLATFORM'
  // bridge
  | 'AUTH_FAILED'
  | 'FRAME_INVALID'
  | 'LINK_LOST'
  | 'PORT_IN_USE'
  // training
  | 'CANCELLED'
  | 'DIGEST_MISMATCH'
  | 'ENGINE_FAILED'
  | 'LEDGER_VIOLATION'
  | 'NO_DEVICES_LEFT'
  | 'NON_FINITE_GRADIENT'
  | 'OUT_OF_MEMORY'
  | 'INTERNAL'
  | 'LOOP_FAILED'

/** Whatever was thrown: `instanceof` alone may throw itself. */
export function isKaitianError(thrown: unknown): thrown is KaitianError {
  return isInstance(thrown, KaitianError)
}

/** Any thrown value as a KaitianError; one that already is one passes through. */
export function toKaitianError(error: unknown, code: ErrorCode, message: string): KaitianError {
  if (isKaitianError(error)) return error
  return new KaitianError(code, `${message}: ${messageOf(error)}`, { cause: error })
}

/** Errors in a chain of causes; what is behind the last of them is left out. */
const longestChain = 16
/** In one record, with all causes: a getter may give a new error each time. */
const mostErrors = 1000

/** Makes one record. */
class Recorder {
  /**
   * An error that came up before, as in a cycle, is recorded again, but not what is behind it: so a
   * record's size is in proportion to what there is.
   */
  readonly #seen = new Set<unknown>()
  #left = mostErrors

  record(thrown: unknown, depth: number): ErrorRecord {
    this.#left--
    if (!isError(thrown)) return valueRecord(thrown)
    const record = withoutCause(thrown)
    if (this.#seen.has(thrown) || depth === longestChain) return record
    this.#seen.add(thrown)
    const errors = errorsIn(thrown, mostErrors)
    if (errors !== undefined) record.errors = errors.flatMap((error) => this.#inner(error, depth))
    const cause = read(thrown, 'cause')
    if (cause !== undefined && cause !== unreadable) {
      const [inner] = this.#inner(cause, depth)
      if (inner !== undefined) record.cause = inner
    }
    return record
  }

  #inner(error: unknown, depth: number): ErrorRecord[] {
    return this.#left > 0 ? [this.record(error, depth + 1)] : []
  }
}

function valueRecord(value: unknown): ErrorRecord {
  const record: ErrorRecord = { name: 'Error', message: textOf(value) }
  const copy = plainCopy(value)
  if (copy !== unreadable) record.value = copy
  return record
}

function withoutCause(error: Error): ErrorRecord {
  const record: ErrorRecord = { name: textIn(error, 'name') ?? 'Error', message: messageOf(error) }
  const stack = textIn(error, 'stack')
  if (stack !== undefined) record.stack = stack
  if (isKaitianError(error)) {
    const fields = read(error, 'fields')
    record.code = (textIn(error, 'code') ?? 'INTERNAL') as ErrorCode
    record.fields = typeof fields === 'object' && fields !== null ? plainProperties(fields) : {}
    return record
  }
  const [base, properties] = [baseOf(error), propertiesOf(error)]
  if (base !== undefined && base !== record.name) record.base = base
  if (properties !== undefined) record.properties = properties
  return record
}

function fromRecord(record: ErrorRecord, depth: number): unknown {
  if ('value' in record) return record.value
  if (record.code !== undefined) return ours(record, depth)
  const { name, message, stack, base = name, errors = [], properties = {} } = record
  return revive({
    base,
    name,
    message,
    stack,
    options: causeIn(record, depth),
    errors: depth < longestChain ? errors.map((error) => fromRecord(error, depth + 1)) : [],
    properties,
  })
}

function ours(record: ErrorRecord, depth: number): KaitianError {
  const { code = 'INTERNAL', message, fields = {}, stack } = record
  const error = new KaitianError(code, message, { fields, ...causeIn(record, depth) })
  if (stack !== undefined) error.stack = stack
  return error
}

/** A record from elsewhere may be deeper than any that is written here. */
function causeIn({ cause }: ErrorRecord, depth: number): ErrorOptions {
  if (cause === undefined || depth >= longestChain) return {}
  return { cause: fromRecord(cause, depth + 1) }
}
