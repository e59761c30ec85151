import { KaitianError, toKaitianError, type ErrorRecord } from '@kaitian/errors'

/** Exit codes of the command; documented in docs/errors.md. */
export const EXIT = {
  ok: 0,
  /** The run began and failed, or a part of its output was lost. */
  failed: 1,
  /** Refused before the first step. */
  refused: 2,
  /** As a shell shows a process that SIGPIPE ended: nobody reads the output. */
  outputClosed: 141,
} as const

/** Each as a shell shows a process that the signal ended. */
export const EXIT_OF_SIGNAL = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

/** Signals that ask the command to end. */
export type Signal = keyof typeof EXIT_OF_SIGNAL

export const SIGNALS = Object.keys(EXIT_OF_SIGNAL) as readonly Signal[]

/** `kaitian: CODE: sentence`, on one line whatever the message holds. */
export function errorLine({ code, message }: Pick<ErrorRecord, 'code' | 'message'>): string {
  return `kaitian: ${code ?? 'INTERNAL'}: ${message.replaceAll(/\s*\n\s*/g, ' ')}\n`
}

export function asKaitianError(error: unknown): KaitianError {
  return toKaitianError(error, 'INTERNAL', 'Something went wrong inside kaitian')
}
