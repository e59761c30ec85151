import type { Random } from '@kaitian/actors'
import type { World, WorldDevice, WorldEvent } from './world.js'

/** One step of a simulated cluster, before anything is dealt to it. Times are in seconds. */
export interface WorldStep {
  readonly step: number
  /** By device: whether it is there. */
  readonly present: readonly boolean[]
  /** Mean compute time; what an oracle may know. */
  mean(device: number, samples: number): number
  /** Compute time with this step's noise: the same draw whatever the quota. */
  measured(device: number, samples: number): number
}

/**
 * The steps of a world, one after the other. All chance is drawn before the
 * step is handed out, so every policy judged on the same seed meets the same
 * cluster.
 */
export function* simulate(world: World, random: Random): Generator<WorldStep> {
  const walks = world.devices.map(() => 0)
  for (let step = 0; step < world.steps; step++) {
    stepWalks(world, walks, random)
    const scales = world.devices.map((_, i) => Math.exp(walks[i]) * scaleAt(world.events, i, step))
    const noise = world.devices.map((device) => drawNoise(world, device, random))
    const mean = (device: number, samples: number) =>
      meanTime(world.devices[device], samples) * scales[device]
    yield {
      step,
      present: world.devices.map((_, i) => presentAt(world.events, i, step)),
      mean,
      measured: (device, samples) => mean(device, samples) * noise[device],
    }
  }
}

/** Mean seconds of `samples` samples on a device that no event touches. */
function meanTime({ alpha, beta, curve }: WorldDevice, samples: number): number {
  if (samples === 0) return 0
  switch (curve.kind) {
    case 'linear':
      return alpha + beta * samples
    case 'stairs':
      return alpha + beta * Math.ceil(samples / curve.width) * curve.width
    case 'floor':
      return alpha + beta * Math.max(samples, curve.below)
  }
}

function scaleAt(events: readonly WorldEvent[], device: number, step: number): number {
  let scale = 1
  for (const event of events) {
    if ('device' in event && event.device === device) scale *= factorAt(event, step)
  }
  return scale
}

function factorAt(event: WorldEvent, step: number): number {
  switch (event.kind) {
    case 'scale':
      return step >= event.from && step < event.to ? event.factor : 1
    case 'ramp': {
      const part = (step - event.from) / Math.max(1, event.to - event.from)
      return 1 + (event.factor - 1) * Math.min(1, Math.max(0, part))
    }
    case 'periodic': {
      const into = (step - event.phase) % event.period
      return step >= event.phase && into < event.duty * event.period ? event.factor : 1
    }
    default:
      return 1
  }
}

/** The last membership event decides; a device whose first event is a join starts outside. */
function presentAt(events: readonly WorldEvent[], device: number, step: number): boolean {
  const own = events
    .filter((event) => event.kind === 'leave' || event.kind === 'join')
    .filter((event) => event.device === device)
    .toSorted((a, b) => a.at - b.at)
  const last = own.filter(({ at }) => at <= step).at(-1)
  return last === undefined ? own[0]?.kind !== 'join' : last.kind === 'join'
}

function stepWalks({ events }: World, walks: number[], random: Random): void {
  for (const event of events) {
    if (event.kind !== 'walk') continue
    walks.forEach((at, i) => {
      const next = at + event.sigma * random.normal()
      walks[i] = Math.min(event.limit, Math.max(-event.limit, next))
    })
  }
}

/** Log-normal with mean 1; with some probability a spike of Pareto's distribution on top. */
function drawNoise({ noise }: World, device: WorldDevice, random: Random): number {
  const sigma = device.sigma ?? noise.sigma
  const usual = Math.exp(sigma * random.normal() - sigma ** 2 / 2)
  if (noise.spikes === undefined) return usual
  const { probability, pareto, factor } = noise.spikes
  const struck = random.next() < probability
  const tail = (1 - random.next()) ** (-1 / pareto)
  return struck ? usual * (1 + ((factor - 1) * tail) / 2) : usual
}
