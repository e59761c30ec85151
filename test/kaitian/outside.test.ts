import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { readSafetensors } from '@kaitian/train/checkpoint'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { depth } from '../depth.js'
import { kaitian, runInShell, startCommand, startInShell, type Ran } from './command.js'
import type { Line } from './json-page.js'

// Signals and lost outputs, on the real command in a process of its own.

interface Place {
  folder: string
  /** Where the run saves its weights. */
  weights: string
}

const test = suite<Place>('outside')
const task = fileURLToPath(new URL('./fixtures/small-task.js', import.meta.url))
const terminal = fileURLToPath(new URL('../../kaitian/fixtures/terminal.py', import.meta.url))
const endless = ['train', task, '--group', 'a=sim@sim', '--epochs', '100000', '--no-evaluate']
const short = `$KAITIAN train ${task} --group a=sim@sim`

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'kaitian-outside-'))
  context.weights = join(context.folder, 'w.safetensors')
})

test.after.each(({ folder }) => rmSync(folder, { recursive: true }))

/** A busy machine may take longer to write the files than the command waits without a word. */
function inGoodOrder({ code, err }: Ran): [number | null, string] {
  return [code, err.replace(/^kaitian: files are being written; [^\n]*\n/, '')]
}

async function isSaved({ weights }: Place): Promise<boolean> {
  return existsSync(weights) && (await readSafetensors(weights)).tensors.length === 2
}

for (const [signal, code] of [
  ['SIGHUP', 129],
  ['SIGINT', 130],
] as const) {
  test(`${signal} stops the run in good order: weights and report are written`, async (place) => {
    const report = join(place.folder, 'r.html')
    const words = [...endless, '--save', place.weights, '--report', report]
    const { child, ended, printed } = startCommand(words)
    await printed('of epoch 2: ')
    child.kill(signal)
    const ran = await ended
    assert.equal(inGoodOrder(ran), [code, ''])
    assert.ok(ran.out.includes(`interrupted (${signal}) after epoch`))
    assert.ok(ran.out.includes(`weights ${place.weights}\n`))
    assert.ok(await isSaved(place))
    assert.ok(existsSync(report))
  })
}

const twoGroups = [...endless, '--group', 'b=sim@sim*2']
for (const [which, words] of [
  ['in memory', twoGroups],
  ['over TCP', [...twoGroups, '--bridge', 'tcp']],
  ['by the TypeScript collectives', [...twoGroups, '--backend', 'typescript']],
] as const) {
  test(`C4 to be stopped for longer than the deadline costs time only: ${which}`, async () => {
    const deadlineMs = 800
    const { child, ended, printed, output } = startCommand([...words, '--deadline', '800'])
    await printed('of epoch 2: ')
    for (let times = 0; times < depth({ cut: 1, full: 3 }); times++) {
      child.kill('SIGSTOP')
      await setTimeout(2.5 * deadlineMs)
      const epochs = [...output().matchAll(/of epoch (\d+): /g)]
      child.kill('SIGCONT')
      await printed(`of epoch ${Number(epochs.at(-1)![1]) + 3}: `)
    }
    child.kill('SIGINT')
    const ran = await ended
    assert.is(ran.code, 130, ran.out.slice(-2000))
    assert.not.match(ran.out, /generation 2/)
  })
}

// In place of a terminal nohup gives a stdin that can only be written to.
for (const nohup of ['nohup $KAITIAN', '0>/dev/null $KAITIAN']) {
  test(`under nohup SIGHUP is not heard, other signals are: ${nohup}`, async (place) => {
    const line = `${nohup} ${endless.join(' ')} --save ${place.weights} & echo "pid $!"; wait $!`
    const { ended, printed, output } = startInShell(line)
    await printed('of epoch 2: ')
    const pid = Number(/pid (\d+)/.exec(output())?.[1])
    process.kill(pid, 'SIGHUP')
    const epochs = [...output().matchAll(/of epoch (\d+): /g)]
    // By then it has heard the signal, or has not.
    await printed(`of epoch ${Number(epochs.at(-1)![1]) + 3}: `)
    process.kill(pid, 'SIGTERM')
    const ran = await ended
    assert.is(ran.code, 143)
    assert.match(ran.out, /interrupted \(SIGTERM\)/)
    assert.ok(await isSaved(place))
  })
}

const hasTerminals = spawnSync('python3', ['-c', 'import pty; pty.openpty()']).status === 0
const onTerminal = (...given: Parameters<typeof test>): void =>
  hasTerminals ? test(...given) : test.skip(...given)

onTerminal('a terminal that is closed stops the run in good order', async (place) => {
  const words = [...endless, '--save', place.weights].join(' ')
  const ran = await runInShell(`python3 ${terminal} 'samples/s' $KAITIAN ${words}`)
  assert.is(ran.out, '129\n')
  assert.ok(await isSaved(place))
})

onTerminal(
  'a terminal that goes without a signal is only an output that is lost',
  async (place) => {
    const words = `train ${task} --group a=sim@sim --epochs 30 --no-evaluate --save ${place.weights}`
    const script = join(place.folder, 'script')
    // In a session of its own; 3 is what this test reads.
    writeFileSync(script, `setsid bash -c "${kaitian(words)} 2>&3; echo code \\$? >&3"\n`)
    const ran = await runInShell(`python3 ${terminal} 'samples/s' bash ${script} 3>&1`)
    assert.match(ran.out, /kaitian: OUTPUT_LOST: stdout [^\n]* gone[^\n]*\n/)
    assert.match(ran.out, /code 1\n/)
    assert.ok(await isSaved(place))
  },
)

test('a full disk under stdout is one line on stderr, and the run goes on', async (place) => {
  for (const json of ['', '--json']) {
    const ran = await runInShell(`${short} ${json} --save ${place.weights} >/dev/full`)
    assert.is(ran.code, 1)
    assert.match(ran.err, /^kaitian: OUTPUT_LOST: stdout [^\n]*disk is full[^\n]*goes on[^\n]*\n$/)
    assert.ok(await isSaved(place))
    rmSync(place.weights)
  }
})

test('a file under stdout that may not grow is said too, also with its last line', async (place) => {
  const out = join(place.folder, 'out')
  const ran = await runInShell(`ulimit -f 4; ${short} --json --no-evaluate >${out}`)
  assert.is(ran.code, 1)
  assert.match(ran.err, /^kaitian: OUTPUT_LOST: [^\n]*ulimit -f[^\n]*\n$/)
  assert.is(readFileSync(out).length, 4096)
  // The help is one write, which the limit cuts short.
  const help = await runInShell(`ulimit -f 1; $KAITIAN train --help >${out}`)
  assert.is(help.code, 1)
  assert.is(readFileSync(out).length, 1024)
})

test('a reader that goes away stops the run in good order', async (place) => {
  const { child, ended, printed } = startCommand([...endless, '--json', '--save', place.weights])
  await printed('"event":"step"')
  child.stdout.destroy()
  assert.equal(inGoodOrder(await ended), [141, ''])
  assert.ok(await isSaved(place))
})

test('a stderr that is lost is not missed', async () => {
  const ran = await runInShell(`${short} --deadline 10 2>/dev/full`)
  assert.is(ran.code, 2)
  const fine = await runInShell(`${short} --max-steps 2 2>/dev/full`)
  assert.is(fine.code, 0)
})

test('closed standard streams, and a stdout that can only be read, do no harm', async (place) => {
  const save = `--max-steps 2 --save ${place.weights}`
  assert.is((await runInShell(`${short} ${save} <&- >&- 2>&-`)).code, 0)
  assert.ok(await isSaved(place))
  const readOnly = await runInShell(`${short} ${save} 1</dev/null`)
  assert.is(readOnly.code, 1)
  assert.match(readOnly.err, /^kaitian: OUTPUT_LOST: /)
})

test('--save without a committed step writes nothing and says so', async (place) => {
  const diverging = { LEARNING_RATE: '1e39' }
  writeFileSync(place.weights, 'good')
  const words = `${short} --save ${place.weights} --report ${join(place.folder, 'r.html')}`
  const plain = await runInShell(words, diverging)
  assert.is(plain.code, 1)
  assert.match(plain.out, /weights +│ not saved to/)
  assert.match(plain.out, /report not written to .*: no step was committed/)
  const json = await runInShell(`${words} --json`, diverging)
  const end = JSON.parse(json.out.trimEnd().split('\n').at(-1)!) as Line
  const reason = 'no step was committed'
  assert.equal(end['save'], { file: place.weights, written: false, reason })
  assert.is(readFileSync(place.weights, 'utf8'), 'good')
  assert.not(existsSync(join(place.folder, 'r.html')))
})

test.run()
