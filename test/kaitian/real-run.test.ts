import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { train } from 'kaitian'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runCommand, runInShell, startCommand, type Ran } from './command.js'
import { missing, undocumented, type Line } from './json-page.js'

// The command and the library over the real trainer, on sim engines, which are quick to start.

const test = suite<{ folder: string }>('real run')
const small = fileURLToPath(new URL('./fixtures/small-task.js', import.meta.url))
const twoGroups = ['--group', 'a=sim@sim*2', '--group', 'b=sim@sim']
const words = ['train', small, ...twoGroups]

test.before((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'kaitian-run-'))
})

test.after(({ folder }) => rmSync(folder, { recursive: true }))

test('a run as JSON lines: as documented, to the end; record, weights and report are there', async ({
  folder,
}) => {
  const place = (name: string): string => join(folder, name)
  const run = ['--max-steps', '6', '--json', '--pace', 'a=2+0.1']
  const files = ['--record', place('record'), '--save', place('w.safetensors')]
  const report = ['--report', place('report.html')]
  const ran = await runCommand([...words, ...run, ...files, ...report])
  assert.equal([ran.code, ran.err], [0, ''])
  const lines = ran.out.trimEnd().split('\n')
  const events = lines.map((line) => JSON.parse(line) as Line)
  assert.equal(undocumented(events), [])
  // Nothing fails in this run, and the built-in loop logs nothing.
  assert.equal(missing(events), ['fault', 'log'])
  assert.is(events.filter(({ event }) => event === 'step').length, 6)
  assert.is(events.at(-1)?.['outcome'], 'finished')
  assert.ok(existsSync(place('record/journal.jsonl')))
  assert.ok(existsSync(place('w.safetensors')))
  assert.match(readFileSync(place('report.html'), 'utf8'), /"steps":\[1,2,3,4,5,6\]/)
})

const tooMany = /^kaitian: TOO_MANY_OPEN_FILES: [^\n]+ulimit -n[^\n]+\n$/

test('many devices start within the usual limit of open files; a tighter one is said by name', async () => {
  const crowd = `--group a=sim@sim*12 --batch 256 --shard 4 --max-steps 1 --no-evaluate`
  const run = `$KAITIAN train ${small} ${crowd} --deadline 300000`
  const fine = await runInShell(`ulimit -n 180; ${run}`)
  assert.equal([fine.code, fine.err], [0, ''])
  // Node.js sometimes takes a module that it cannot open for one that is not there.
  const said: string[] = []
  for (let tries = 0; tries < 4 && !said.some((line) => tooMany.test(line)); tries++) {
    const short = await runInShell(`ulimit -n 80; ${run}`)
    assert.is(short.code, 2)
    assert.match(short.err, /^kaitian: [A-Z_]+: [^\n]+\n$/)
    said.push(short.err)
  }
  assert.match(said.at(-1)!, tooMany)
})

const noisy = fileURLToPath(new URL('./fixtures/noisy-task.js', import.meta.url))
const noises = ['import', 'data', 'thread', 'thread, written', 'process', 'worker', 'error']

test('with --json stdout carries the own lines alone, whoever prints', async () => {
  const ran = await runCommand(['train', noisy, '--max-steps', '2', '--json'])
  assert.is(ran.code, 0)
  const lines = ran.out.trimEnd().split('\n')
  const events = lines.map((line) => JSON.parse(line) as Line)
  assert.equal(undocumented(events), [])
  for (const noise of noises) assert.ok(ran.err.includes(`noise: ${noise}\n`), noise)
  // No group was named, either.
  assert.match(String(events[0]['groupsChosen']), /^cpu=tfjs@cpu(\*\d+)?, /)
})

test('without --json what a task prints is printed where it says', async () => {
  const ran = await runCommand(['train', noisy, '--max-steps', '2'])
  assert.equal([ran.code, ran.err], [0, 'noise: error\n'])
  for (const noise of noises.filter((word) => word !== 'error')) {
    assert.ok(ran.out.includes(`noise: ${noise}\n`), noise)
  }
  const chosen = /\nno group was named: cpu=tfjs@cpu(\*\d+)?, [^\n]+\ndevice cpu:0 in group cpu: /
  assert.match(ran.out, chosen)
})

test('groups may be called as any property of an object is', async () => {
  const groups = ['--group', 'constructor=sim@sim', '--group', 'toString=sim@sim*2']
  const more = ['--pace', 'toString=1+0.1', '--max-steps', '3', '--no-evaluate', '--json']
  const ran = await runCommand(['train', small, ...groups, ...more])
  assert.equal([ran.code, ran.err], [0, ''])
  const [ready] = ran.out.split('\n').map((line) => JSON.parse(line || '{}') as Line)
  const devices = ready['devices'] as { group: string; pace?: object }[]
  assert.equal(
    devices.map(({ group, pace }) => `${group} ${pace === undefined ? '' : 'paced'}`),
    ['constructor ', 'toString paced', 'toString paced'],
  )
})

// A machine that is too busy to stop it within two seconds sees it die of the signal: cli.test.ts.
const interrupted = ({ code, signal }: Ran): boolean => code === 130 || signal === 'SIGINT'

test('Ctrl-C: 130 and the place where it stood', async () => {
  const { child, ended, printed } = startCommand([...words, '--epochs', '1000', '--no-evaluate'])
  await printed('of epoch 1: ')
  child.kill('SIGINT')
  const ran = await ended
  assert.ok(interrupted(ran), `${ran.code} ${ran.signal}`)
  assert.is(ran.err, '')
  const stood = /\ninterrupted \(SIGINT\) after epoch \d+, step \d+: .* samples committed\n$/
  assert.match(ran.out, stood)
})

test('Ctrl-C before the first step', async () => {
  const { child, ended, printed } = startCommand(['train', small, '--group', 'a=tfjs@cpu*2'])
  await printed('task ').catch(() => {})
  child.kill('SIGINT')
  assert.ok(interrupted(await ended))
})

test('what only the run can find out is refused with its own code', async ({ folder }) => {
  const empty = join(folder, 'empty.mjs')
  writeFileSync(empty, 'export {}\n')
  const readsData = ['train', 'packages/examples/cifar', ...twoGroups]
  const cases: [string[], string][] = [
    [['train', empty, '--group', 'a=sim@sim'], 'BAD_TASK'],
    [[...readsData, '--data', '/nowhere'], 'DATA_MISSING'],
    [[...words, '--batch', '8', '--shard', '8'], 'BATCH_TOO_SMALL'],
  ]
  for (const [command, code] of cases) {
    const ran = await runCommand(command)
    assert.is(ran.code, 2, code)
    assert.match(ran.err, new RegExp(`^kaitian: ${code}: [^\\n]+\\n$`))
  }
  const byEnvironment = await runCommand(readsData, { KAITIAN_DATA: '/nowhere' })
  assert.match(byEnvironment.err, /DATA_MISSING/)
})

test('T2 as a library: a device is killed, the run finishes, survivors agree', async () => {
  await using training = train({
    task: small,
    groups: ['a=sim@sim*2', 'b=sim@sim'],
    maxSteps: 20,
    epochs: 3,
    evaluate: false,
  })
  const faults: string[] = []
  training.events.on('fault', ({ kind, device }) => faults.push(`${kind} ${device}`))
  const fifth = new Promise<void>((resolve) => {
    training.events.on('step', ({ committed }) => committed === 5 && resolve())
  })
  await fifth
  await training.kill('sim:1')
  const summary = await training.finished
  assert.is(summary.outcome, 'finished')
  assert.is(summary.steps, 20)
  assert.ok(faults.includes('killed sim:1'))
  assert.equal(Object.keys(summary.digests).toSorted(), ['sim:0', 'sim:2'])
  assert.is(new Set(Object.values(summary.digests)).size, 1)
})

test.run()
