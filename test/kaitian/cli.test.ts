import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runCommand, runOnFake } from './command.js'

const test = suite('cli')
/** Any module that is there will do: nothing is imported before the options are checked. */
const task = fileURLToPath(import.meta.url)
const plain = ['train', task, '--group', 'a=tfjs@cpu*2']

test('bad input ends with 2 and one line that names the code', async () => {
  const cases: [string[], string][] = [
    [[], 'BAD_ARGUMENT'],
    [['trian'], 'BAD_ARGUMENT'],
    [['train'], 'BAD_ARGUMENT'],
    [['train', 'nowhere.js', '--group', 'a=tfjs@cpu'], 'BAD_TASK'],
    [['train', task, '--group', 'a=tfjs'], 'BAD_ARGUMENT'],
    [['train', task, '--group', 'a=tfs@cpu'], 'UNKNOWN_ENGINE'],
    [['train', task, '--group', 'a=tfjs@cuda'], 'UNKNOWN_DEVICE'],
    [[...plain, '--group', 'a=tfjs@cpu'], 'BAD_ARGUMENT'],
    [[...plain, '--epochs', 'many'], 'BAD_ARGUMENT'],
    [[...plain, '--policy', 'fair'], 'BAD_ARGUMENT'],
    [[...plain, '--nonsense'], 'BAD_ARGUMENT'],
    [[...plain, '--pace', 'a=fast'], 'BAD_ARGUMENT'],
    [[...plain, '--pace', 'b=1+1'], 'BAD_ARGUMENT'],
    [[...plain, '--port', 'a=99999'], 'BAD_ARGUMENT'],
    [[...plain, '--port', 'b=7000'], 'BAD_ARGUMENT'],
    [['train', task, '--port', 'a=7000'], 'BAD_ARGUMENT'],
    [[...plain, '--sample-every', '5'], 'BAD_ARGUMENT'],
    [[...plain, '--report', '/nowhere/at/all.html'], 'FILE_WRITE_FAILED'],
  ]
  for (const [words, code] of cases) {
    const ran = runOnFake(words)
    assert.is(await ran.code, 2, words.join(' '))
    assert.match(ran.text.err, new RegExp(`^kaitian: ${code}: [^\\n]+\\n$`), words.join(' '))
    assert.is(ran.text.out, '', words.join(' '))
    assert.equal(ran.runtime.calls, [], 'nothing was started')
  }
})

test('as a process: bad input, help and version', async () => {
  const bad = await runCommand(['train', 'nowhere.js', '--group', 'a=tfjs@cpu'])
  assert.is(bad.code, 2)
  assert.match(bad.err, /^kaitian: BAD_TASK: [^\n]+\n$/)
  assert.is(bad.out, '')
  const help = await runCommand(['train', '--help'])
  assert.is(help.code, 0)
  assert.match(help.out, /--group/)
  assert.match((await runCommand(['--version'])).out, /^\d+\.\d+\.\d+\n$/)
})

test('a run without a terminal prints plain lines and a table, and ends with 0', async () => {
  const ran = runOnFake([...plain, '--epochs', '2'])
  assert.is(await ran.code, 0)
  assert.is(ran.text.err, '')
  // oxlint-disable-next-line no-control-regex
  assert.not.match(ran.text.out, /[\u0000-\u0009\u000b-\u001f]/)
  assert.match(ran.text.out, /collectives typescript \(this is a fake\)/)
  assert.match(ran.text.out, /the pace of some devices is simulated/)
  assert.match(ran.text.out, /quotas cpu:0 40, cpu:1 24: cpu:1 became slower/)
  assert.match(ran.text.out, /epoch 2\/2: .*accuracy 65\.0%/)
  assert.match(ran.text.out, /state digest.*abababababababab on cpu:0, cpu:1/)
  assert.is(ran.listening(), 0)
})

test('progress counts the steps that the run is to commit, and an epoch cut short is said', async () => {
  const script = { epochs: 20, maxSteps: 7 }
  const ran = runOnFake(plain, script)
  assert.is(await ran.code, 0)
  assert.match(ran.text.out, /^plan 7 steps in 2 of 20 epochs, 64 samples a step/m)
  assert.match(ran.text.out, /^epoch 1\/2: /m)
  assert.match(ran.text.out, /^epoch 2\/2 \(partial\): /m)
  assert.is(ran.text.out.match(/^step \d of epoch \d: /gm)?.length, 7)
  const shown = runOnFake(plain, script, { isTTY: true })
  assert.is(await shown.code, 0)
  assert.match(shown.text.out, 'step 7/7')
})

test('on a terminal the same lines appear around a bar, and the cursor comes back', async () => {
  const ran = runOnFake(plain, { steps: 20 }, { isTTY: true })
  assert.is(await ran.code, 0)
  assert.match(ran.text.out, /epoch 1\/2: /)
  assert.match(ran.text.out, /epoch 2\/2: /)
  const [hidden, shown] = ['\u001b[?25l', '\u001b[?25h'].map((code) =>
    ran.text.out.lastIndexOf(code),
  )
  assert.ok(hidden >= 0 && shown > hidden)
})

test('what the run refuses before its first step ends with 2, later with 1', async () => {
  const { KaitianError } = await import('kaitian')
  const refused = runOnFake(plain, { refuse: new KaitianError('BAD_MODEL', 'No\nlayers.') })
  assert.is(await refused.code, 2)
  assert.is(refused.text.err, 'kaitian: BAD_MODEL: No layers.\n')
  const failed = runOnFake(plain, { failAfter: 3 })
  assert.is(await failed.code, 1)
  assert.is(failed.text.err, 'kaitian: NO_DEVICES_LEFT: All devices are gone.\n')
})

test('Ctrl-C stops the run and says where it stood', async () => {
  const ran = runOnFake(plain, { steps: 1000 })
  await new Promise<void>((resolve) => ran.runtime.events.once('step', () => resolve()))
  ran.signal('SIGINT')
  assert.is(await ran.code, 130)
  assert.match(
    ran.text.out,
    /interrupted \(SIGINT\) after epoch 1, step \d+: \d+ steps and \d+ samples committed/,
  )
  assert.is(ran.runtime.calls.at(-1), 'dispose')
  assert.equal(ran.deaths, [])
  assert.is(ran.listening(), 0)
})

test('a run that does not hear is left within two seconds', async () => {
  const ran = runOnFake(plain, { steps: 1, deaf: true })
  await new Promise<void>((resolve) => ran.runtime.events.once('step', () => resolve()))
  ran.signal('SIGTERM')
  await ran.clock.advance(2000)
  assert.is(await ran.code, 143)
  assert.equal(ran.deaths, ['SIGTERM'])
})

test('a second Ctrl-C does not wait', async () => {
  const ran = runOnFake(plain, { steps: 1, deaf: true })
  await new Promise<void>((resolve) => ran.runtime.events.once('step', () => resolve()))
  ran.signal('SIGINT')
  await new Promise<void>((resolve) => setImmediate(resolve))
  ran.signal('SIGINT')
  assert.is(await ran.code, 130)
  assert.equal(ran.deaths, ['SIGINT'])
})

test('a lost output is told on the one that is left, and the run goes on', async () => {
  const lost = async (output: 'stdout' | 'stderr', words: string[] = []) => {
    const ran = runOnFake([...plain, ...words], { steps: 20 })
    await new Promise<void>((resolve) => ran.runtime.events.once('step', () => resolve()))
    ran.lose({ output, code: 'ENOSPC' })
    const code = await ran.code
    assert.is(ran.runtime.calls.includes('stop'), false)
    return { code, ...ran.text }
  }
  const line = (output: string): RegExp =>
    new RegExp(`^kaitian: OUTPUT_LOST: ${output} .*disk is full.*goes on without it.*$`, 'm')
  const stdout = await lost('stdout')
  assert.is(stdout.code, 1)
  assert.match(stdout.err, line('stdout'))
  const stderr = await lost('stderr')
  assert.is(stderr.code, 0)
  assert.match(stderr.out, line('stderr'))
  // With --json stdout is for machines.
  const json = await lost('stderr', ['--json'])
  assert.equal([json.code, json.out.includes('OUTPUT_LOST')], [0, false])
})

test('a closed output stops the run', async () => {
  const ran = runOnFake(plain, { steps: 1000 })
  await new Promise<void>((resolve) => ran.runtime.events.once('step', () => resolve()))
  ran.lose({ output: 'stdout', code: 'EPIPE' })
  assert.is(await ran.code, 141)
  assert.is(ran.runtime.calls.at(-1), 'dispose')
})

test.run()
