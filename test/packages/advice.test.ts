import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { lendNativeCore, run, unpackedProject, type Project } from './project.js'
import { packages } from './scripts.js'

// Where the native core is missing, a message says how to get it: what it advises is there.

const test = suite('advice where the native core is missing')
let project: Project

test.before(async () => {
  project = await unpackedProject()
  rmSync(join(project.inside('@kaitian/comm-native'), 'prebuilds'), {
    recursive: true,
    force: true,
  })
})
test.after(() => project.remove())

const reached = `
  import { loadBackend } from '@kaitian/comm-native'
  try { loadBackend('native') } catch (error) { console.log(error.message) }
`

/** The command in the sentence that a program prints. */
function advised(sentence: string): string[] {
  const [, command] = /Build it with '([^']+)'/.exec(sentence) ?? []
  assert.ok(command, sentence)
  return command.split(' ')
}

test('the sentence says why, and names the command of the package', async () => {
  const { code, err } = await project.kaitian('bench', 'allreduce')
  assert.is(code, 2)
  assert.match(
    err,
    /^kaitian: NATIVE_LOAD_FAILED: .*it was not built, and none for Node\.js ABI \d+ on \S+ came with/,
  )
  assert.equal(advised(err), ['npx', 'kaitian', 'build-native'])
  const help = await project.kaitian('build-native', '--help')
  assert.is(help.code, 0, help.err)
  assert.match(help.out, /Build the native collectives/)
})

test('a run trains without it and says so', async () => {
  const words = ['--group', 'a=tfjs@cpu*2', '--max-steps', '2', '--no-evaluate', '--json']
  const { code, out } = await project.kaitian('train', 'node_modules/kaitian/example', ...words)
  assert.is(code, 0)
  assert.match(out, /TypeScript, without native code: it was not built/)
})

test('groups over TCP are refused with the advice', async () => {
  const groups = ['--group', 'a=tfjs@cpu', '--group', 'b=tfjs@cpu', '--bridge', 'tcp']
  const { code, err } = await project.kaitian('train', 'node_modules/kaitian/example', ...groups)
  assert.is(code, 2)
  assert.match(err, /NATIVE_LOAD_FAILED/)
  assert.equal(advised(err), ['npx', 'kaitian', 'build-native'])
})

test('the advised command says what is missing where there is no compiler', async () => {
  const empty = mkdtempSync(join(tmpdir(), 'kaitian-no-compiler-'))
  const command = join(project.inside('kaitian'), 'bin', 'kaitian.js')
  const env = { PATH: empty, HOME: empty }
  const { code, err } = await run(process.execPath, [command, 'build-native'], {
    cwd: project.folder,
    env,
  })
  rmSync(empty, { recursive: true })
  assert.is(code, 1)
  assert.match(
    err,
    /^kaitian: NATIVE_BUILD_FAILED: The native core was not built: a C\+\+ compiler, make, python3 not found\. .*until it is built, the TypeScript fallback is used\.\n$/,
  )
})

test('the installation says in one line what happened, and does not fail', async () => {
  const empty = mkdtempSync(join(tmpdir(), 'kaitian-no-compiler-'))
  const { code, out } = await run(process.execPath, ['scripts/install.js'], {
    cwd: project.inside('@kaitian/comm-native'),
    env: { PATH: empty, HOME: empty },
  })
  rmSync(empty, { recursive: true })
  assert.is(code, 0)
  assert.match(
    out,
    /was not built \(a C\+\+ compiler, make, python3 not found\).*'npx kaitian build-native' tries again\n$/,
  )
})

test('without the package kaitian the sentence names a script that is there', async () => {
  const bin = join(project.folder, 'node_modules', '.bin')
  renameSync(bin, `${bin}-away`)
  const { out } = await project.node('--input-type=module', '-e', reached)
  renameSync(`${bin}-away`, bin)
  const [program, script] = advised(out)
  assert.is(program, 'node')
  assert.match(readFileSync(script, 'utf8'), /buildNative/)
})

const whatLoads = `
  import { loadBackend } from '@kaitian/comm-native'
  console.log(loadBackend().description)
`

test('a build that does not load is passed over for what the package brought, or named', async () => {
  const name = lendNativeCore(project, 'prebuilds')
  if (name === undefined) return
  const inside = project.inside('@kaitian/comm-native')
  const built = join(inside, 'native', 'build', name)
  mkdirSync(dirname(built), { recursive: true })
  writeFileSync(built, 'no program')
  const brought = await project.node('--input-type=module', '-e', whatLoads)
  assert.match(brought.out, /^native, /)
  rmSync(join(inside, 'prebuilds'), { recursive: true })
  const broken = await project.node('--input-type=module', '-e', whatLoads)
  assert.match(broken.out, /^TypeScript, without native code: .*\.node: /)
  rmSync(built)
})

test('no page and no message advises npm scripts that the packages do not have', () => {
  for (const { name } of packages.publicPackages()) {
    const folder = project.inside(name)
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    for (const file of files.filter((path) => /^(dist|scripts|bin).*\.js$|README/.test(path))) {
      assert.not.match(
        readFileSync(join(folder, file), 'utf8'),
        /npm (run|start|test)\b/,
        `${name}/${file}`,
      )
    }
  }
})

test.run()
