import { seededRandom } from '@kaitian/actors'
import { createController, observe, plan, type ControllerOptions } from './controller.js'
import { quotaOf } from './plan.js'
import { simulate, type WorldStep } from './simulation.js'
import { solve } from './solver.js'
import type { World } from './world.js'

/** Deals the steps of a world and learns from their times. */
export interface Policy {
  /** Samples for each of the devices that are there, by name; they sum to `size`. */
  quotas(size: number, devices: readonly PolicyDevice[]): Readonly<Record<string, number>>
  /** Milliseconds of each device that had samples. */
  observe(times: readonly { device: string; samples: number; computeMs: number }[]): void
}

export interface PolicyDevice {
  readonly name: string
  readonly cap?: number
}

export interface Verdict {
  /** Seconds of all steps under the policy, cold start included. */
  readonly seconds: number
  /** Seconds of all steps under the oracle, with the same noise. */
  readonly oracleSeconds: number
  /** seconds ÷ oracleSeconds; noise can carry it a little below 1. */
  readonly ratio: number
  /** Steps whose quotas differ from the step's before. */
  readonly moves: number
}

/**
 * Plays a policy through a world beside the oracle, which knows each step's
 * mean times (not the noise) and splits by integer minimax, sample by sample.
 */
export function judge(world: World, policy: Policy, seed: number): Verdict {
  let seconds = 0
  let oracleSeconds = 0
  let moves = 0
  let last = ''
  for (const now of simulate(world, seededRandom('world', world.name, seed))) {
    const present = world.devices.map((_, i) => i).filter((i) => now.present[i])
    const devices = present.map((i) => policyDevice(world, i))
    const quotas = policy.quotas(world.globalBatch, devices)
    const samples = devices.map(({ name }) => quotaOf(quotas, name))
    seconds += world.communication + longest(now, present, samples)
    oracleSeconds += world.communication + longest(now, present, oracle(world, now, present))
    policy.observe(
      present.flatMap((i, at) =>
        samples[at] === 0
          ? []
          : {
              device: world.devices[i].name,
              samples: samples[at],
              computeMs: 1000 * now.measured(i, samples[at]),
            },
      ),
    )
    const key = samples.join()
    if (now.step > 0 && key !== last) moves++
    last = key
  }
  return { seconds, oracleSeconds, ratio: seconds / oracleSeconds, moves }
}

/** The controller as a policy; `shardSize` 1 deals single samples, as the oracle does. */
export function controllerPolicy(options: ControllerOptions = {}, shardSize = 1): Policy {
  let state = createController(options)
  return {
    quotas(size, devices) {
      const demand = {
        size,
        shardSize,
        firstShard: 0,
        devices: devices.map((device) => ({ ...device, group: 'sim' })),
      }
      const next = plan(state, demand)
      state = next.state
      return next.plan.quotas
    },
    observe(times) {
      state = observe(state, times)
    },
  }
}

function policyDevice(world: World, i: number): PolicyDevice {
  const { name, cap } = world.devices[i]
  return cap === undefined ? { name } : { name, cap }
}

function oracle(world: World, now: WorldStep, present: readonly number[]): readonly number[] {
  const devices = present.map((i) => ({
    ...policyDevice(world, i),
    time: (samples: number) => now.mean(i, samples),
  }))
  return solve({ size: world.globalBatch, shardSize: 1 }, devices).samples
}

function longest(now: WorldStep, present: readonly number[], samples: readonly number[]): number {
  return Math.max(...present.map((i, at) => now.measured(i, samples[at])))
}
