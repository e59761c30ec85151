import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Runtime,
  conv2d,
  dense,
  globalAveragePool,
  groupNorm,
  relu6,
  synthesiseImages,
  type GroupOptions,
  type RunSummary,
  type Surroundings,
  type Task,
  type TrainEvents,
  type TrainOptions,
} from '@kaitian/train'
import { loadBackend } from '@kaitian/comm-native'
import { check } from '../checker/check.js'
import type { Verdict } from '../checker/verdict.js'

/** A task small enough that 50 steps take a second or two on one core. */
export const smallTask: Task = {
  name: 'small',
  model: {
    input: [32, 32, 3],
    classes: 10,
    layers: [
      conv2d({ filters: 8, stride: 2 }),
      groupNorm({ groups: 4 }),
      relu6(),
      conv2d({ filters: 16, stride: 2 }),
      groupNorm({ groups: 4 }),
      relu6(),
      globalAveragePool(),
      dense({ units: 10, bias: true }),
    ],
  },
  data: ({ seed }) => synthesiseImages({ seed, train: 410, test: 130 }),
  augmentation: { crop: 2, flip: true },
  optimiser: {
    kind: 'sgd',
    learningRate: 0.05,
    momentum: 0.9,
    weightDecay: 5e-4,
    warmupSteps: 5,
    schedule: 'cosine',
  },
  batch: 64,
  shard: 4,
  epochs: 2,
}

/** How groups can reduce here: over TCP only where the native core was built. */
export const bridges: readonly NonNullable<TrainOptions['bridge']>[] =
  loadBackend().implementation === 'native' ? ['memory', 'tcp'] : ['memory']

/** For all that should come, however busy the machine is. */
const LONG_ENOUGH_MS = 300_000

/** Groups of `counts` devices each: cpu:0 … in order. */
export function groupsOf(
  engine: string,
  counts: readonly number[],
  extra: (group: number) => Partial<GroupOptions> = () => ({}),
): GroupOptions[] {
  let ordinal = 0
  return counts.map((count, group) => ({
    name: 'abcdef'[group],
    engine,
    devices: Array.from({ length: count }, () => `cpu:${ordinal++}`),
    ...extra(group),
  }))
}

export interface TryOptions {
  readonly options: Omit<TrainOptions, 'task' | 'record'>
  readonly task?: Task
  readonly surroundings?: Surroundings
  /** Called with each event; may act on the run. */
  readonly on?: (
    event: {
      [Name in keyof TrainEvents]: { name: Name; payload: TrainEvents[Name] }
    }[keyof TrainEvents],
    runtime: Runtime,
  ) => void
  readonly sampleEvery?: number
  /** Learns where the record will be. */
  readonly begin?: (folder: string) => void
  /** A folder instead of a fresh one. */
  readonly record?: string
  /** Leaves the record there. */
  readonly keep?: boolean
  /** False where the record is damaged on purpose. */
  readonly judge?: boolean
  /** Looks at the record before it is removed. */
  readonly look?: (folder: string) => Promise<void>
}

const unjudged: Verdict = {
  ok: false,
  checks: [],
  summary: 'not judged',
  samples: 0,
  epochs: 0,
  steps: 0,
  replayed: 0,
}

/** Runs to the end, has the independent checker judge the record, and leaves nothing behind. */
export async function tryRun({
  options,
  task = smallTask,
  surroundings = {},
  on,
  sampleEvery = 5,
  begin,
  record,
  keep = false,
  judge = true,
  look,
}: TryOptions): Promise<{ summary: RunSummary; verdict: Verdict }> {
  const folder = record ?? (await mkdtemp(join(tmpdir(), 'kaitian-')))
  let runtime: Runtime | undefined
  try {
    begin?.(folder)
    const whole = {
      deadlineMs: LONG_ENOUGH_MS,
      ...options,
      task: 'test',
      record: { folder, sampleEvery },
    }
    runtime = await Runtime.create(
      whole,
      task,
      (name, payload) => on?.({ name, payload } as Parameters<typeof on>[0], runtime!),
      surroundings,
    )
    await runtime.open()
    const summary = await runtime.run()
    await look?.(folder)
    return { summary, verdict: judge ? await check(folder) : unjudged }
  } finally {
    await runtime?.close()
    if (!keep) await rm(folder, { recursive: true, force: true })
  }
}
