import { createSystem } from '@kaitian/actors'
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Settler } from './fixtures/settler.js'
import { allGone } from './processes.js'
import { downOf, eventually, rejection, withSystem } from './support.js'

const test = suite('ends of processes')

const module = new URL('./fixtures/settler.js', import.meta.url)
const on = { process: module }

/** The program with actors, in a process group and with a place for temporary files of its own. */
class Program {
  readonly folder = mkdtempSync(join(tmpdir(), 'kaitian-test-'))
  readonly child: ChildProcess
  readonly exited: Promise<unknown>
  output = ''

  constructor(...args: string[]) {
    const program = fileURLToPath(new URL('./programs/host.js', import.meta.url))
    this.child = spawn(process.execPath, [program, ...args], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: this.folder },
    })
    this.exited = new Promise((resolve) => this.child.once('exit', resolve))
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text))
    }
  }

  get pid(): number {
    return this.child.pid as number
  }

  async told(what: string): Promise<unknown> {
    const line = new RegExp(`^${what} (.*)$`, 'm')
    await eventually(() => line.test(this.output) || this.child.exitCode !== null)
    return JSON.parse(line.exec(this.output)?.[1] ?? `"not ${what}: ${this.output}"`)
  }

  remove(): void {
    rmSync(this.folder, { recursive: true })
  }
}

test('the processes of a parent that is killed end, whatever they are doing', async () => {
  const program = new Program('die')
  const pids = (await program.told('ready')) as number[]
  assert.is(pids.length, 6)
  program.child.kill('SIGKILL')
  await program.exited
  await allGone(pids)
  await eventually(() => readdirSync(program.folder).length === 0)
  program.remove()
})

test('Ctrl-C is for the parent, which then stops its processes in good order', async () => {
  const program = new Program('live')
  const pids = (await program.told('ready')) as number[]
  process.kill(-program.pid, 'SIGINT')
  assert.equal(await program.told('still here'), Array(7).fill('yes'))
  assert.is(await program.told('disposed'), true)
  assert.is(await program.exited, 0)
  await allGone(pids)
  assert.equal(readdirSync(program.folder), [])
  program.remove()
})

test('what an actor in a process prints comes out where its parent prints', async () => {
  const program = new Program('live')
  await program.told('ready')
  await eventually(() => /a child on stdout/.test(program.output))
  await eventually(() => /a child on stderr/.test(program.output))
  process.kill(program.pid, 'SIGINT')
  assert.is(await program.exited, 0)
  program.remove()
})

test(
  'a process that is killed takes its processes and threads along, whatever they are doing',
  withSystem(async (system) => {
    const child = { name: 'kid', on: 'process', args: { child: { name: 'kid', on: 'thread' } } }
    const parent = await system.spawn(Settler, { child } as never, { on })
    const kid = (await parent.ask.child()) as typeof parent
    const grandkid = (await kid.ask.child()) as typeof parent
    const homes = [await parent.ask.home(), await kid.ask.home()]
    const other = await system.spawn(Settler, {})
    // The way to the grandchild is by the child, which must not hang before.
    const lostToo = rejection(grandkid.ask.hang({ in: 'native code', other }), 'THREAD_EXITED')
    await eventually(async () => (await other.ask.echoed()) === 1)
    const lost = rejection(kid.ask.hang({ in: 'native code', other }), 'PROCESS_EXITED')
    await eventually(async () => (await other.ask.echoed()) === 2)
    await system.kill(parent)
    await Promise.all([lost, lostToo])
    await allGone(homes.map(({ pid }) => pid))
  }),
)

test(
  'a process whose thread does not end is killed, not quarantined',
  withSystem(async (system) => {
    const limits = { timeoutMs: 100, abortMs: 100, exitMs: 100 }
    const child = { name: 'kid', on: 'thread', stop: limits } as const
    // A process that was killed may take its time on a busy machine.
    const stop = { ...limits, exitMs: 5000 }
    const parent = await system.spawn(Settler, { child }, { on, stop })
    const { pid } = await parent.ask.home()
    const kid = (await parent.ask.child()) as typeof parent
    const other = await system.spawn(Settler, {})
    const lost = rejection(kid.ask.hang({ in: 'native code', other }), 'THREAD_EXITED')
    await eventually(async () => (await other.ask.echoed()) === 1)
    const down = downOf(system, parent)
    await rejection(parent.ask.fail('range'), 'ACTOR_FAILED')
    assert.is((await down).reason, 'failed')
    await lost
    await allGone([pid])
  }),
)

const luggages: [string, () => unknown, string][] = [
  ['a function', () => () => undefined, 'MESSAGE_NOT_CLONEABLE'],
  ['shared memory', () => new SharedArrayBuffer(8), 'MESSAGE_NOT_CLONEABLE'],
  ['more than a message carries', () => new Uint8Array(65 << 20), 'MESSAGE_TOO_LARGE'],
]
for (const [what, luggage, code] of luggages) {
  test(`arguments that are ${what} refuse the spawn and leave no process`, async () => {
    const system = createSystem()
    const spawned = system.spawn(Settler, { luggage: luggage() }, { on })
    const error = await rejection(spawned, 'SPAWN_FAILED')
    assert.is((error.cause as { code: string }).code, code)
    await eventually(() => processes() === 0)
    await system.dispose()
  })
}

test(
  'what the import of the module throws is the cause',
  withSystem(async (system) => {
    const importing = (file: string) =>
      system.spawn(Settler, {}, { on: { process: new URL(file, import.meta.url) } })
    const missing = await rejection(importing('./fixtures/nowhere.js'), 'SPAWN_FAILED')
    assert.is((missing.cause as { code: string }).code, 'ERR_MODULE_NOT_FOUND')
    const other = await rejection(importing('./fixtures/probe.js'), 'SPAWN_FAILED')
    assert.match(other.message, 'does not export the class Settler')
    const broken = await rejection(importing('./fixtures/broken.js'), 'SPAWN_FAILED')
    const cause = broken.cause as { code: string; fields: unknown; cause: Error }
    assert.is(cause.code, 'BAD_CONFIG')
    assert.equal(cause.fields, { where: 'at the top' })
    assert.instance(cause.cause, RangeError)
    assert.is(cause.cause.message, 'why')
  }),
)

function processes(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'ProcessWrap').length
}

test.run()
