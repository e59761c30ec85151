import {
  RunHistory,
  showProgress,
  train,
  type GroupDescription,
  type RunSummary,
  type Training,
  type TrainingOptions,
} from 'kaitian'
import { COMPARISON_STEPS, FAULTS, GROUPS, SAMPLE_EVERY, TOTAL_STEPS } from './parameters.js'
import { StepTimes } from './step-times.js'

export interface FinishedRun {
  readonly name: string
  readonly history: RunHistory
  readonly times: StepTimes
  readonly summary: RunSummary
}

/** Both groups, with one device slowed down and one killed on the way, recorded for the checker. */
export async function runDisturbed(folder: string): Promise<FinishedRun> {
  const record = { folder, sampleEvery: SAMPLE_EVERY }
  await using training = start('adaptive split', { groups: GROUPS, record })
  showProgress(training)
  const [run] = await Promise.all([follow('adaptive split', training), disturb(training)])
  return run
}

/** Both groups, undisturbed, each device with the same share. */
export function runEven(): Promise<FinishedRun> {
  return runForComparison('even split', { groups: GROUPS, policy: 'even' })
}

export function runAlone(group: GroupDescription): Promise<FinishedRun> {
  return runForComparison(`${group.name} alone`, { groups: [group] })
}

async function runForComparison(
  name: string,
  options: Omit<TrainingOptions, 'task'>,
): Promise<FinishedRun> {
  await using training = start(name, { ...options, maxSteps: COMPARISON_STEPS, evaluate: false })
  const run = await follow(name, training)
  console.log(`${run.summary.steps} steps, median ${run.times.median().toFixed(1)} ms`)
  return run
}

function start(name: string, options: Omit<TrainingOptions, 'task'>): Training {
  console.log(`\n== ${name}`)
  return train({ task: new URL('./task.js', import.meta.url), ...options })
}

async function follow(name: string, training: Training): Promise<FinishedRun> {
  const history = new RunHistory(training)
  const times = new StepTimes(training)
  const summary = await training.finished
  if (summary.error !== undefined) throw summary.error
  return { name, history, times, summary }
}

/** Injects both faults, unless the run ends before. */
/** Injects both faults, each in its time, unless the run ends before. */
async function disturb(training: Training): Promise<void> {
  const { slow, kill } = FAULTS
  if (await reaches(training, slow.at)) await training.slow(slow.device, slow.factor)
  if (await reaches(training, kill.at)) await training.kill(kill.device)
}

/** Waits until `share` of the run's steps are committed; false when the run ended before. */
function reaches({ events, finished }: Training, share: number): Promise<boolean> {
  return new Promise((resolve) => {
    events.on('step', ({ committed }) => {
      if (committed >= share * TOTAL_STEPS) resolve(true)
    })
    void finished.then(() => resolve(false))
  })
}
