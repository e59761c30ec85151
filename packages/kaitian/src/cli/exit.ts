import { KaitianError, toKaitianError, type ErrorRecord } from '@kaitian/errors'
import type { Signal } from './host.js'

/** Exit codes of the command; documented in docs/errors.md. */
export const EXIT = {
  ok: 0,
  /** The run began and failed. */
  failed: 1,
  /** Refused before the first step. */
  refused: 2,
  /** As a shell shows a process that SIGPIPE ended: nobody reads the output. */
  outputClosed: 141,
} as const

export const EXIT_OF_SIGNAL: Readonly<Record<Signal, number>> = { SIGINT: 130, SIGTERM: 143 }

/** `kaitian: CODE: sentence`, on one line whatever the message holds. */
export function errorLine({ code, message }: Pick<ErrorRecord, 'code' | 'message'>): string {
  return `kaitian: ${code ?? 'INTERNAL'}: ${message.replaceAll(/\s*\n\s*/g, ' ')}\n`
}

export function asKaitianError(error: unknown): KaitianError {
  return toKaitianError(error, 'INTERNAL', 'Something went wrong inside kaitian')
}
