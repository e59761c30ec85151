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
    const record: ErrorRecord = {
      name: this.name,
      code: this.code,
      message: this.message,
      fields: { ...this.fields },
    }
    if (this.stack !== undefined) record.stack = this.stack
    if (this.cause !== undefined) record.cause = toRecord(this.cause)
    return record
  }

  static fromRecord(record: ErrorRecord): KaitianError {
    const error = new KaitianError(record.code ?? 'INTERNAL', record.message, {
      fields: record.fields ?? {},
      cause: record.cause === undefined ? undefined : fromRecord(record.cause),
    })
    if (record.stack !== undefined) error.stack = record.stack
    return error
  }
}

/** An error as plain data, fit for structured clone and msgpack. */
export interface ErrorRecord {
  name: string
  message: string
  code?: ErrorCode
  fields?: Record<string, unknown>
  stack?: string
  cause?: ErrorRecord
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
  | 'BAD_TASK'
  | 'BATCH_TOO_SMALL'
  | 'DATA_CORRUPT'
  | 'DATA_MISSING'
  | 'UNKNOWN_DEVICE'
  | 'UNKNOWN_ENGINE'
  | 'FILE_CORRUPT'
  | 'FILE_WRITE_FAILED'
  // actors
  | 'ACTOR_FAILED'
  | 'ACTOR_RESTARTING'
  | 'ACTOR_STOPPED'
  | 'ASK_ABORTED'
  | 'ASK_TIMEOUT'
  | 'MAILBOX_FULL'
  | 'MESSAGE_NOT_CLONEABLE'
  | 'SPAWN_FAILED'
  | 'SYSTEM_STOPPED'
  | 'THREAD_EXITED'
  | 'UNKNOWN_MESSAGE'
  // collectives
  | 'COMMUNICATOR_ABORTED'
  | 'DEADLINE_EXCEEDED'
  | 'NATIVE_LOAD_FAILED'
  | 'PEER_DOWN'
  | 'SIGNATURE_MISMATCH'
  | 'UNSUPPORTED_DTYPE'
  | 'UNSUPPORTED_OP'
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

/** Any thrown value as a KaitianError; one that already is one passes through. */
export function toKaitianError(error: unknown, code: ErrorCode, message: string): KaitianError {
  if (error instanceof KaitianError) return error
  const detail = error instanceof Error ? error.message : String(error)
  return new KaitianError(code, `${message}: ${detail}`, { cause: error })
}

function toRecord(error: unknown): ErrorRecord {
  if (error instanceof KaitianError) return error.toRecord()
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const record: ErrorRecord = { name: error.name, message: error.message }
  if (error.stack !== undefined) record.stack = error.stack
  if (error.cause !== undefined) record.cause = toRecord(error.cause)
  return record
}

function fromRecord(record: ErrorRecord): Error {
  if (record.code !== undefined) return KaitianError.fromRecord(record)
  const error = new Error(
    record.message,
    record.cause === undefined ? undefined : { cause: fromRecord(record.cause) },
  )
  error.name = record.name
  if (record.stack !== undefined) error.stack = record.stack
  return error
}
