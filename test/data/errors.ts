import { KaitianError, type ErrorCode } from '@kaitian/errors'
import * as assert from 'uvu/assert'

/** Runs what must fail with `code`; resolves with the error for a closer look at its sentence. */
export async function failure(run: () => unknown, code: ErrorCode): Promise<KaitianError> {
  try {
    await run()
  } catch (error) {
    if (!(error instanceof KaitianError)) throw error
    assert.is(error.code, code, error.message)
    return error
  }
  assert.unreachable(`should fail with ${code}`)
  throw new Error('not reached')
}
