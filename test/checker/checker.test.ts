import { spawnSync } from 'node:child_process'
import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '@kaitian/actors'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { depth } from '../depth.js'
import { check } from './check.js'
import { replay } from './optimiser.js'
import { commit, find, flip, tensor } from './fixtures/damage.js'
import { journalDamages } from './fixtures/journal-damages.js'
import { stepDamages } from './fixtures/step-damages.js'
import { trainTiny, writeTiny, type TinyRecord } from './fixtures/tiny-run.js'
import type { CheckName, Verdict } from './verdict.js'

const checker = suite('checker')

async function inFolder<T>(record: TinyRecord, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'checker-'))
  try {
    await writeTiny(folder, record)
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

function judge(record: TinyRecord): Promise<Verdict> {
  return inFolder(record, check)
}

function failuresOf(verdict: Verdict, name: CheckName): readonly string[] {
  return verdict.checks.find((each) => each.name === name)?.failures ?? []
}

function failedChecks(verdict: Verdict): readonly string[] {
  return verdict.checks.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name)
}

checker('a valid record passes, with a death and a rescaled step in it', async () => {
  const verdict = await judge(trainTiny())
  assert.equal(failedChecks(verdict), [], JSON.stringify(verdict.checks))
  assert.is(
    verdict.summary,
    'checker: ok, 44 samples committed exactly once over 2 epochs, 6 steps (6 replayed in fp64)',
  )
})

checker('a valid deterministic record passes', async () => {
  const verdict = await judge(trainTiny({ mode: 'deterministic' }))
  assert.equal(failedChecks(verdict), [], JSON.stringify(verdict.checks))
})

checker('an interrupted record passes, counted up to where it got', async () => {
  const record = trainTiny()
  const commits = record.journal.filter(({ type }) => type === 'commit')
  const last = record.journal.indexOf(commits[4])
  record.journal.length = last + 1
  const votes = record.journal.filter(
    ({ type, epoch, attempt, step }) =>
      type === 'vote' && epoch === 1 && (step > 0 || attempt === 1),
  )
  const sum = (key: string): number => votes.reduce((total, line) => total + line[key], 0)
  const [samples, lossSum, correct] = [sum('count'), sum('lossSum'), sum('correct')]
  record.journal.push({ type: 'epochEnd', epoch: 1, steps: 2, samples, lossSum, correct })
  record.journal.push({ type: 'end', reason: 'interrupted', digest: commits[4].digest })
  record.steps.delete('step-1-2.safetensors')
  const verdict = await judge(record)
  assert.ok(verdict.ok, JSON.stringify(verdict.checks))
  assert.is(verdict.samples, 38)
})

checker('where an engine is sim the gradients are skipped by name, the rest is not', async () => {
  const record = trainTiny({ engine: 'sim' })
  for (const { tensors } of record.steps.values()) tensors.inputs.values.fill(0)
  const verdict = await judge(record)
  assert.ok(verdict.ok, JSON.stringify(verdict.checks))
  assert.match(
    verdict.summary,
    /6 replayed, gradients skipped: engine sim on cpu:0, cpu:1, cpu:2\)$/,
  )
  flip(tensor(record, 'after.state'), 5)
  assert.equal(failedChecks(await judge(record)), ['optimiser'])
})

checker('the optimiser: one step worked out by hand', () => {
  const description = { input: [1], layers: [], classes: 1 }
  const before = { state: Float32Array.of(2), velocity: Float32Array.of(1) }
  const update = { count: 4, learningRate: 0.5, momentum: 0.5, weightDecay: 0.25 }
  const after = replay(description, [], before, { ...update, sum: Float32Array.of(6) })
  // g = 6/4 + 0.25·2 = 2; v = 0.5·1 + 2 = 2.5; w = 2 − 0.5·2.5
  assert.is(after.velocity[0], 2.5)
  assert.is(after.state[0], 0.75)
})

for (const { what, options, spoil, check: name, message, only = false } of [
  ...journalDamages,
  ...stepDamages,
]) {
  checker(`fails on ${what}`, async () => {
    const record = trainTiny(options)
    spoil(record)
    const verdict = await judge(record)
    assert.is(verdict.ok, false)
    assert.match(verdict.summary, /^checker: FAILED \d of \d checks: /)
    const failures = failuresOf(verdict, name)
    assert.ok(
      failures.some((failure) => message.test(failure)),
      `${name} says ${JSON.stringify(failures)}, failed are ${failedChecks(verdict).join()}`,
    )
    if (only) assert.equal(failedChecks(verdict), [name], JSON.stringify(verdict.checks))
  })
}

for (const [file, bytes, message] of [
  ['step-0-1.safetensors', 3, /step-0-1\.safetensors: 3 bytes follow the last tensor/],
  ['epoch-0.u32', 2, /epoch-0\.u32: 90 bytes are no whole number of ids/],
  ['epoch-0.u32', 4, /epoch 0: its permutation is none of 0\.\.21/],
] as const) {
  checker(`fails on ${bytes} bytes behind the end of ${file}`, async () => {
    const verdict = await inFolder(trainTiny(), async (folder) => {
      await appendFile(join(folder, file), new Uint8Array(bytes))
      return check(folder)
    })
    const said = verdict.checks.flatMap(({ failures }) => failures)
    assert.ok(
      said.some((failure) => message.test(failure)),
      said.join('; '),
    )
  })
}

checker('whatever is wrong with the bytes, there is a verdict', async () => {
  const random = seededRandom('damaged bytes', 1)
  for (const mode of ['fp32', 'deterministic'] as const) {
    await inFolder(trainTiny({ mode }), async (folder) => {
      const files = await readdir(folder)
      for (let times = 0; times < depth({ cut: 60, full: 1000 }); times++) {
        const file = join(folder, files[random.integer(files.length)])
        const whole = await readFile(file)
        const damaged = whole.subarray(
          0,
          random.next() < 0.2 ? random.integer(whole.length) : undefined,
        )
        const bytes = Uint8Array.from(damaged)
        for (let each = 0; each < 1 + random.integer(3) && bytes.length > 0; each++) {
          // A digit or a quotation mark as often as any byte: most of what matters is text.
          const value =
            random.next() < 0.5
              ? '0123456789"-e.{}[],'.charCodeAt(random.integer(19))
              : random.integer(256)
          bytes[random.integer(bytes.length)] = value
        }
        await writeFile(file, bytes)
        const { checks, summary } = await check(folder)
        assert.ok(checks.length > 0 && summary.startsWith('checker: '))
        await writeFile(file, whole)
      }
    })
  }
})

checker('fails on a sampled step that was cut off', async () => {
  const verdict = await inFolder(trainTiny(), async (folder) => {
    await truncate(join(folder, 'step-1-0.safetensors'), 3000)
    return check(folder)
  })
  assert.match(failuresOf(verdict, 'samples').join(), /step-1-0\.safetensors: .* has \d+ bytes/)
})

checker('fails on a torn journal, wherever it is torn, and names the line', async () => {
  await inFolder(trainTiny(), async (folder) => {
    const file = join(folder, 'journal.jsonl')
    const whole = await readFile(file)
    const sayings = async (bytes: Uint8Array): Promise<string> => {
      await writeFile(file, bytes)
      return failuresOf(await check(folder), 'format').join()
    }
    for (let cut = 1; cut < 300; cut += 7) {
      const rest = whole.subarray(0, -cut)
      const lines = rest.toString().split('\n').length
      const torn = new RegExp(`the last line, ${lines}, is torn: the run, or its disk, ended`)
      assert.match(await sayings(rest), rest.at(-1) === 10 ? /no end line/ : torn)
    }
    assert.match(await sayings(Buffer.from('{"type":"constructor"}\n')), /unknown type constructor/)
  })
})

checker('the command says it in lines and in its exit code', async () => {
  const main = fileURLToPath(new URL('./main.js', import.meta.url))
  const run = (folder: string, ...rest: string[]): { status: number | null; stdout: string } =>
    spawnSync(process.execPath, [main, folder, ...rest], { encoding: 'utf8' })
  const record = trainTiny()
  await inFolder(record, async (folder) => {
    const { status, stdout } = run(folder)
    assert.is(status, 0)
    assert.is(stdout.trimEnd().split('\n').length, 10)
    assert.match(stdout, /^optimiser: ok, 6 steps to the bit$/m)
    assert.match(stdout, /\nchecker: ok, 44 samples [^\n]*\n$/)
  })
  find(record, commit).cursor++
  await inFolder(record, async (folder) => {
    const { status, stdout } = run(folder, '--json')
    assert.is(status, 1)
    assert.is((JSON.parse(stdout) as Verdict).ok, false)
    assert.match(
      run(folder).stdout,
      /^coverage: FAILED, epoch 0, step 1: cursor 17, should be 16$/m,
    )
  })
})

checker.run()
