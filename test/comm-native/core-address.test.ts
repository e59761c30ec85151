import { suite } from 'uvu'
import * as assert from 'uvu/assert'

interface Scripts {
  findCompiler(this: void): { version: string } | undefined
  testCore(
    this: void,
    sanitizer: 'thread' | 'address',
  ): Promise<{ passed: boolean; output: string }>
}

const scripts = '../../../packages/comm-native/scripts'
const { findCompiler } = (await import(`${scripts}/toolchain.js`)) as Scripts
const { testCore } = (await import(`${scripts}/test-core.js`)) as Scripts

const test = suite('native core, ranks as std::thread')

if (findCompiler() === undefined) {
  test('skipped: no C++ compiler found', () => {
    assert.is(findCompiler(), undefined)
  })
} else {
  test('passes under the address sanitizer', async () => {
    const { passed, output } = await testCore('address')
    assert.ok(passed, output)
  })
}

test.run()
