import { KaitianError } from '@kaitian/errors'

/** A stranger's bytes break docs/wire-format.md. */
export function invalid(
  what: string,
  fields: Record<string, unknown> = {},
  cause?: unknown,
): KaitianError {
  return new KaitianError(
    'FRAME_INVALID',
    `${what}. The connection was closed; look at what connects to this port.`,
    { fields, cause },
  )
}
