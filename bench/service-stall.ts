import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { train } from 'kaitian'

/**
 * How much a training run delays the event loop of the service that embeds it:
 * timer lateness in the user's thread, alone and beside a run that keeps every
 * core busy, interleaved. `node bench/dist/service-stall.js [--json]`
 */
const ROUNDS = 5
const ALONE_MS = 3_000
const STEPS = 60
const task = fileURLToPath(new URL('../../packages/examples/cifar', import.meta.url))

interface Delay {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** Lateness of a 1 ms timer, in ms, while `work` goes on. */
async function delayDuring(work: () => Promise<unknown>): Promise<Delay> {
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  histogram.enable()
  await work()
  histogram.disable()
  const ms = (nanoseconds: number): number => nanoseconds / 1e6
  return {
    p50: ms(histogram.percentile(50)),
    p99: ms(histogram.percentile(99)),
    max: ms(histogram.max),
  }
}

async function trainAWhile(): Promise<void> {
  await using training = train({
    task,
    groups: ['a=tfjs@cpu*2', 'b=tfjs@cpu*2'],
    maxSteps: STEPS,
    evaluate: false,
  })
  const { outcome } = await training.finished
  if (outcome !== 'finished') throw new Error(`the run ${outcome}`)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}

const alone: Delay[] = []
const beside: Delay[] = []
for (let round = 0; round < ROUNDS; round++) {
  alone.push(await delayDuring(() => new Promise((resolve) => setTimeout(resolve, ALONE_MS))))
  beside.push(await delayDuring(trainAWhile))
}
const rows = (['p50', 'p99', 'max'] as const).map((name) => ({
  delay: name,
  aloneMs: median(alone.map((delay) => delay[name])),
  trainingMs: median(beside.map((delay) => delay[name])),
}))
if (process.argv.includes('--json')) console.log(JSON.stringify({ rounds: ROUNDS, rows }))
else {
  console.log(`Lateness of a 1 ms timer in the user's thread, median of ${ROUNDS} rounds`)
  for (const { delay, aloneMs, trainingMs } of rows) {
    console.log(`  ${delay}: alone ${aloneMs.toFixed(2)} ms, training ${trainingMs.toFixed(2)} ms`)
  }
}
