import { availableParallelism } from 'node:os'
import type { GroupOptions } from './options.js'

/** What there is to train on. */
export interface Machine {
  readonly cores: number
  /** Bytes that are free. */
  readonly memory: number
}

export interface ChosenGroups {
  readonly groups: readonly GroupOptions[]
  /** As it would be written, and why: `cpu=tfjs@cpu*2, a device for each core`. */
  readonly reason: string
}

/** A thread with an engine in it, before it holds a model. */
const DEVICE_BYTES = 256 * 2 ** 20
/** f32 copies of the state that a device keeps: parameters and velocity twice, gradient, sums. */
const STATE_COPIES = 6
/** Of what is free; the data set and the first activations need the rest. */
const SHARE_OF_MEMORY = 0.75

/** The groups of a run that was told none: one, of CPU devices, as many as can be of use. */
export function chooseGroups(
  { cores, memory }: Machine,
  { shards, stateSize }: { readonly shards: number; readonly stateSize: number },
): ChosenGroups {
  const deviceBytes = DEVICE_BYTES + STATE_COPIES * 4 * stateSize
  const limits = [
    { count: cores, why: 'a device for each core' },
    {
      count: Math.floor((SHARE_OF_MEMORY * memory) / deviceBytes),
      why: 'as many devices as memory has room for',
    },
    { count: shards, why: 'a device for each shard of a step' },
  ]
  const { count, why } = limits.reduce((least, limit) =>
    limit.count < least.count ? limit : least,
  )
  const devices = Array.from({ length: Math.max(1, count) }, (_, ordinal) => `cpu:${ordinal}`)
  const times = devices.length === 1 ? '' : `*${devices.length}`
  return {
    groups: [{ name: 'cpu', engine: 'tfjs', devices }],
    reason: `cpu=tfjs@cpu${times}, ${why}`,
  }
}

export function thisMachine(): Machine {
  return { cores: availableParallelism(), memory: process.availableMemory() }
}
