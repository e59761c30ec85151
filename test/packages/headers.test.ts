import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { headers } from './scripts.js'

const { chooseHeaders, withoutOtherTargets } = headers

const test = suite("headers of Node.js for the native core's build")
let folder: string

test.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'kaitian-headers-'))
})
test.after(() => rmSync(folder, { recursive: true }))

/** A folder with the headers of a version, as they lie there. */
function headersOf(
  name: string,
  version: string,
  modules: number,
  inside = 'include/node',
): string {
  const [major, minor, patch] = version.split('.')
  mkdirSync(join(folder, name, inside), { recursive: true })
  writeFileSync(
    join(folder, name, inside, 'node_version.h'),
    `#define NODE_MAJOR_VERSION ${major}
#define NODE_MINOR_VERSION ${minor}
#define NODE_PATCH_VERSION ${patch}
#if defined(NODE_EMBEDDER_MODULE_VERSION)
#define NODE_MODULE_VERSION NODE_EMBEDDER_MODULE_VERSION
#else
#define NODE_MODULE_VERSION ${modules}
#endif
`,
  )
  return join(folder, name)
}

const node22 = { version: 'v22.23.5', modules: '127' }

test("npm's nodedir of another Node.js is passed over by name, for the headers beside the program", () => {
  const other = headersOf('other', '20.20.2', 115)
  const own = headersOf('own', '22.23.5', 127)
  const choice = chooseHeaders({
    ...node22,
    execPath: join(own, 'bin', 'node'),
    env: { npm_config_nodedir: other },
  })
  assert.is(choice.nodedir, own)
  assert.equal(choice.passedOver, [
    `the nodedir that npm was given, ${other}, has the headers of Node.js v20.20.2, this is v22.23.5`,
  ])
})

test("npm's nodedir is used when it fits, a checkout of the sources and another release of the same ABI too", () => {
  const given = headersOf('given', '22.1.0', 127, 'src')
  const own = headersOf('own2', '22.23.5', 127)
  const execPath = join(own, 'bin', 'node')
  const choice = chooseHeaders({ ...node22, execPath, env: { npm_config_nodedir: given } })
  assert.equal(choice, { nodedir: given, passedOver: [] })
})

test('headers beside the program that belong to another are passed over; then none are left', () => {
  const own = headersOf('debian', '20.20.2', 115)
  const execPath = join(own, 'bin', 'node')
  const nowhere = join(folder, 'nowhere')
  const choice = chooseHeaders({ ...node22, execPath, env: { npm_config_nodedir: nowhere } })
  assert.is(choice.nodedir, undefined)
  assert.equal(choice.passedOver, [
    `the nodedir that npm was given, ${nowhere}, has no headers`,
    `the folder beside it, ${own}, has the headers of Node.js v20.20.2, this is v22.23.5`,
  ])
})

test("node-gyp does not see npm's settings for another Node.js, but those for its downloads", () => {
  const kept = {
    PATH: '/bin',
    npm_config_disturl: 'https://example.org',
    npm_config_cache: '/cache',
    npm_config_target_folder: 'mine',
  }
  const env = {
    ...kept,
    npm_config_nodedir: '/usr',
    NPM_CONFIG_NODEDIR: '/usr',
    npm_package_config_node_gyp_nodedir: '/usr',
    npm_config_target: '30.0.0',
    npm_config_runtime: 'electron',
    npm_config_arch: 'arm64',
    npm_config_target_arch: 'arm64',
  }
  assert.equal(withoutOtherTargets(env), kept)
})

test.run()
