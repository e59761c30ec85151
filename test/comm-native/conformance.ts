import { loadBackend } from '@kaitian/comm-native'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { failuresConformance } from './failures.conformance.js'
import { kernelsConformance } from './kernels.conformance.js'
import { lifetimesConformance } from './lifetimes.conformance.js'
import { thrown, type Implementation } from './ranks.js'
import { sumsConformance } from './sums.conformance.js'

/** The whole suite that every implementation passes. */
export function conformance(implementation: Implementation): void {
  kernelsConformance(implementation)
  sumsConformance(implementation)
  failuresConformance(implementation)
  lifetimesConformance(implementation)
}

/**
 * Runs tests of the native core, or, on a machine where it was not built,
 * one test of what a user then gets.
 */
export function whenNative(run: () => void): void {
  if (loadBackend('auto').implementation === 'native') return run()
  const test = suite('native core not built: its tests are skipped')
  test("'auto' runs the fallback and says why, 'native' says how to build", () => {
    assert.match(loadBackend('auto').description, /TypeScript, without native code: /)
    const error = thrown(() => loadBackend('native'))
    assert.is(error.code, 'NATIVE_LOAD_FAILED')
    assert.match(error.message, /npx kaitian build-native/)
  })
  test('the tools to build it are not here', async () => {
    // Else a broken build would pass as a machine without a compiler.
    const toolchain = '../../../packages/comm-native/scripts/toolchain.js'
    const { missingTools } = (await import(toolchain)) as { missingTools: () => string[] }
    assert.not.equal(missingTools(), [])
  })
  test.run()
}
