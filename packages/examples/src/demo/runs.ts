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

const task = new URL('./task.js', import.meta.url)

/** Both groups, with one device slowed down and one killed on the way, recorded for the checker. */
export function runDisturbed(folder: string): Promise<FinishedRun> {
  const record = { folder, sampleEvery: SAMPLE_EVERY }
  return follow('adaptive split', { task, groups: GROUPS, record }, disturb)
}

export function runEven(): Promise<FinishedRun> {
  return follow('even split', comparison(GROUPS, 'even'))
}

export function runAlone(group: GroupDescription): Promise<FinishedRun> {
  return follow(`${group.name} alone`, comparison([group], 'adaptive'))
}

function comparison(
  groups: readonly GroupDescription[],
  policy: 'adaptive' | 'even',
): TrainingOptions {
  return { task, groups, policy, maxSteps: COMPARISON_STEPS, evaluate: false }
}

async function follow(
  name: string,
  options: TrainingOptions,
  interfere: (training: Training) => Promise<unknown> = async () => {},
): Promise<FinishedRun> {
  console.log(`\n== ${name}`)
  await using training = train(options)
  showProgress(training)
  const history = new RunHistory(training)
  const times = new StepTimes(training)
  const [summary] = await Promise.all([training.finished, interfere(training)])
  return { name, history, times, summary }
}

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
    const ended = (): void => resolve(false)
    finished.then(ended, ended)
  })
}
