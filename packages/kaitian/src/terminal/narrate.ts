import type {
  DeviceReport,
  EpochEvent,
  FaultEvent,
  GenerationEvent,
  LogEvent,
  ReadyEvent,
  StepEvent,
} from '@kaitian/train'
import { count, counted, duration, loss, percent } from './format.js'

// Events in words, one line each. Pure: how and where lines appear is the display's business.

export function narrateReady(ready: ReadyEvent): string[] {
  const mode = ready.mode === 'deterministic' ? 'deterministic (int64 sums)' : 'fp32'
  return [
    `task ${ready.task}: ${counted(ready.weights, 'weight')}, ${mode}, seed ${ready.seed}`,
    `data ${ready.dataSet}: ${count(ready.trainSamples)} samples to train on, ` +
      `${count(ready.testSamples)} to test on`,
    `plan ${describePlan(ready)}, ${ready.batch} samples a step in shards of ${ready.shard}`,
    `collectives ${ready.backend}`,
    ...(ready.groupsChosen === undefined ? [] : [`no group was named: ${ready.groupsChosen}`]),
    ...ready.devices.map(describeDevice),
    ...simulationNote(ready.devices),
  ]
}

export function narrateLog({ entry }: LogEvent): string {
  const { message, ...rest } = entry
  const words = Object.entries(rest).map(([name, value]) => `${name} ${written(value)}`)
  return [...(message === undefined ? [] : [written(message)]), ...words].join(', ')
}

function written(value: unknown): string {
  if (typeof value === 'number' && !Number.isInteger(value)) return String(+value.toPrecision(4))
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** The epochs that a run comes to: not all that it was asked for where `maxSteps` ends it before. */
export function epochsIn({ epochs, steps, trainSamples, batch }: ReadyEvent): number {
  return Math.min(epochs, Math.ceil(steps / Math.ceil(trainSamples / batch)))
}

function describePlan(ready: ReadyEvent): string {
  const reached = epochsIn(ready)
  const cut = reached < ready.epochs ? ` of ${count(ready.epochs)}` : ''
  return `${counted(ready.steps, 'step')} in ${count(reached)}${cut} ${ready.epochs === 1 ? 'epoch' : 'epochs'}`
}

function describeDevice({ device, group, engine, description, pace }: DeviceReport): string {
  const shaped =
    pace === undefined ? '' : `; pace simulated: ${pace.alphaMs} ms + ${pace.betaMs} ms a sample`
  return `device ${device} in group ${group}: ${engine} (${description})${shaped}`
}

/** What is not real must not pass for real. */
function simulationNote(devices: readonly DeviceReport[]): string[] {
  const notes: string[] = []
  if (devices.some(({ pace, engine }) => pace !== undefined && engine !== 'sim')) {
    notes.push('note the pace of some devices is simulated; their gradients are computed for real')
  }
  if (devices.some(({ engine }) => engine === 'sim')) {
    notes.push('note engine sim does not compute the gradients of the model')
  }
  return notes
}

export function narrateQuotas(step: StepEvent): string {
  return `quotas ${quotasOf(step)}: ${step.reason}`
}

/** In the order of the devices' names; the scheduler's own order changes. */
export function quotasOf({ devices }: StepEvent): string {
  return devices
    .map(({ device, quota }) => `${device} ${quota}`)
    .toSorted((one, other) => one.localeCompare(other, 'en', { numeric: true }))
    .join(', ')
}

export function narrateGeneration({ generation, members, cause }: GenerationEvent): string {
  const devices = members.map(({ device }) => device).join(', ')
  return `generation ${generation}: ${counted(members.length, 'device')} (${devices}): ${cause}`
}

export function narrateFault({ kind, device, message }: FaultEvent): string {
  return `fault ${kind}${device === undefined ? '' : ` ${device}`}: ${message}`
}

export function narrateEpoch(epoch: EpochEvent, epochs: number): string {
  const rate = count((epoch.samples / epoch.ms) * 1000)
  const test =
    epoch.test === undefined
      ? 'not tested'
      : `test loss ${loss(epoch.test.loss)}, accuracy ${percent(epoch.test.accuracy)}`
  return (
    `epoch ${epoch.epoch + 1}/${epochs}${epoch.partial ? ' (partial)' : ''}: ${duration(epoch.ms)} (${rate} samples/s), ` +
    `train loss ${loss(epoch.loss)}, accuracy ${percent(epoch.trainAccuracy)}; ${test}${epoch.simulated ? ' (sim)' : ''}`
  )
}

export function narrateStep(step: StepEvent, samplesPerSecond: number): string {
  return (
    `step ${step.step + 1} of epoch ${step.epoch + 1}: loss ${loss(step.loss)}, ` +
    `${count(samplesPerSecond)} samples/s, learning rate ${step.learningRate.toPrecision(3)}`
  )
}
