import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { depth } from '../depth.js'
import { buildCore, findCompiler, run, type Sanitizer } from './core-build.js'

/** Compiles what `coreTests` runs, which takes a minute or two, and says how far it is. */
export async function prepareCore(sanitizer: Sanitizer): Promise<void> {
  if (findCompiler() === undefined) return
  await buildCore(sanitizer, (progress) => console.log(progress))
}

/** The native core's plain C++ tests, built with a sanitizer: a file for each. */
export function coreTests(sanitizer: Sanitizer): void {
  const test = suite('native core, ranks as std::thread')
  if (findCompiler() === undefined) {
    test('skipped: no C++ compiler found', () => {
      assert.is(findCompiler(), undefined)
    })
  } else {
    test(`passes under the ${sanitizer} sanitizer`, async () => {
      const tell = (text: string): void => void process.stdout.write(text)
      const program = await buildCore(sanitizer, tell)
      const { status, output } = await run(program, depth({ cut: ['--cut'], full: [] }), tell)
      assert.is(status, 0)
      assert.match(output, /^passed [1-9]/m)
    })
  }
  test.run()
}
