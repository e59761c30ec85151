import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { lookAtFamilies, type Family } from './family.js'
import type { Ending } from './outcome.js'
import { AT_WORK, LOOK_MS } from './patience.js'
import { Program } from './program.js'

const test = suite('program')

const entry = fileURLToPath(new URL('./entry.js', import.meta.url))
const idle: Family = { cpuMs: 0, stopped: false, others: [] }

/** Starts one of this text; looks at it as often as `look` says, on a clock that is not the real one. */
async function run(
  text: string,
  look: (program: Program, now: number) => void,
  args: readonly string[] = [entry],
): Promise<Ending> {
  const folder = mkdtempSync(join(tmpdir(), 'kaitian-program-'))
  try {
    const path = join(folder, 'program.mjs')
    writeFileSync(path, text)
    const program = new Program('program', [...args, path], 0)
    let over = false
    const ended = program.ended.finally(() => (over = true))
    // oxlint-disable-next-line no-unmodified-loop-condition -- the promise sets it
    for (let now = 0; !over; now += LOOK_MS) {
      look(program, now)
      // oxlint-disable-next-line no-await-in-loop
      await new Promise((resolve) => setImmediate(resolve))
    }
    return await ended
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('one that ends by itself', async () => {
  const ending = await run(`console.log('here'); console.error('there')`, () => {})
  assert.equal([ending.code, ending.signal, ending.gaveUp], [0, null, undefined])
  assert.match(ending.output, 'here\n')
  assert.match(ending.output, 'there\n')
})

test('one that waits for ever tells what it holds open, and is ended', async () => {
  let ready = false
  const { gaveUp, output } = await run(
    `console.log('ready'); setInterval(() => {}, 1000)`,
    (program, now) => {
      // Before it listens, the signal would only end it.
      ready ||= program.output.includes('ready')
      if (ready) program.look({ now, family: idle, share: 1 })
    },
  )
  assert.match(gaveUp ?? '', 'printed nothing and did next to nothing for 5 min')
  assert.match(output, /Open handles: .*Timeout/)
})

test('one that cannot tell is ended all the same, and so is what it started', async () => {
  const text = `import { spawn } from 'node:child_process'
    spawn('sleep', ['1000'], { stdio: 'inherit' }).on('spawn', () => {
      console.log('ready')
      for (;;);
    })`
  const { gaveUp, signal } = await run(text, (program, now) => {
    if (!program.output.includes('ready')) return
    program.look({ now, family: { ...idle, cpuMs: now }, share: 1 })
  })
  assert.match(gaveUp ?? '', 'printed nothing during 15 min of processor time')
  // Its output was closed, as nobody is left to hold it.
  assert.is(signal, 'SIGKILL')
})

test('one that cannot be started says why', async () => {
  const { output, code } = await run('', () => {}, ['--no-such-option'])
  assert.is(code, 9)
  assert.match(output, 'bad option')
})

test('a family is all that a program started, with its time; who is stopped is seen', async () => {
  let seen: Family | undefined
  let stopped = false
  const text = `import { spawn } from 'node:child_process'
    spawn('sleep', ['1000']).on('spawn', () => {
      for (const end = process.cpuUsage().user + 300_000; process.cpuUsage().user < end;);
      console.log('ready')
    })`
  await run(text, (program) => {
    if (!program.output.includes('ready')) return
    const family = lookAtFamilies([program.pid])?.get(program.pid)
    if (family === undefined) return
    if (!stopped) {
      seen = family
      program.kill('SIGSTOP')
      stopped = true
    } else if (family.stopped) program.kill('SIGKILL')
  })
  assert.equal(seen?.others, ['sleep'])
  assert.ok((seen?.cpuMs ?? 0) >= 300)
})

test('limits are such that each of them can be met', () => {
  assert.ok(AT_WORK.idleMs < AT_WORK.busyMs && AT_WORK.busyMs < AT_WORK.totalMs)
})

test.run()
