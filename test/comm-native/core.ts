import { suite } from 'uvu'
import * as assert from 'uvu/assert'

interface Scripts {
  findCompiler(this: void): { version: string } | undefined
  testCore(this: void, sanitizer: Sanitizer): Promise<{ passed: boolean; output: string }>
}

const scripts = '../../../packages/comm-native/scripts'
const { findCompiler } = (await import(`${scripts}/toolchain.js`)) as Scripts
const { testCore } = (await import(`${scripts}/test-core.js`)) as Scripts

export type Sanitizer = 'thread' | 'address'

/** The native core's plain C++ tests, built with a sanitizer: a file for each, which takes minutes. */
export function coreTests(sanitizer: Sanitizer): void {
  const test = suite('native core, ranks as std::thread')
  if (findCompiler() === undefined) {
    test('skipped: no C++ compiler found', () => {
      assert.is(findCompiler(), undefined)
    })
  } else {
    test(`passes under the ${sanitizer} sanitizer`, async () => {
      const { passed, output } = await testCore(sanitizer)
      assert.ok(passed, output)
    })
  }
  test.run()
}
