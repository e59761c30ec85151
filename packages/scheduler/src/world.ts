import { readdirSync, readFileSync } from 'node:fs'
import { KaitianError, ownFile } from '@kaitian/errors'
import * as v from 'valibot'

const positive = v.pipe(v.number(), v.finite(), v.gtValue(0))
const nonNegative = v.pipe(v.number(), v.finite(), v.minValue(0))
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const wholePositive = v.pipe(whole, v.minValue(1))

const curveSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('linear') }),
  /** Kernels that work in tiles: samples are rounded up to a multiple of `width`. */
  v.strictObject({ kind: v.literal('stairs'), width: wholePositive }),
  /** A device that is not filled: fewer than `below` samples take as long as `below`. */
  v.strictObject({ kind: v.literal('floor'), below: wholePositive }),
])

const deviceSchema = v.strictObject({
  name: v.pipe(v.string(), v.minLength(1)),
  /** Fixed seconds of a step in which the device has samples. */
  alpha: nonNegative,
  /** Seconds a sample. */
  beta: positive,
  curve: v.optional(curveSchema, { kind: 'linear' }),
  /** Most samples it may take. */
  cap: v.optional(whole),
  /** Noise of this device instead of the world's. */
  sigma: v.optional(nonNegative),
})

const eventSchema = v.variant('kind', [
  /** The device's time is multiplied by `factor` in steps [from, to). */
  v.strictObject({
    kind: v.literal('scale'),
    device: whole,
    from: whole,
    to: whole,
    factor: positive,
  }),
  /** Linear from 1 to `factor` over [from, to); it stays there. */
  v.strictObject({
    kind: v.literal('ramp'),
    device: whole,
    from: whole,
    to: whole,
    factor: positive,
  }),
  /** `factor` during the first `duty` of each period, from step `phase` on. */
  v.strictObject({
    kind: v.literal('periodic'),
    device: whole,
    period: wholePositive,
    duty: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
    phase: whole,
    factor: positive,
  }),
  /** Every device's log time walks at random, within ±limit. */
  v.strictObject({ kind: v.literal('walk'), sigma: nonNegative, limit: positive }),
  v.strictObject({ kind: v.literal('leave'), device: whole, at: whole }),
  v.strictObject({ kind: v.literal('join'), device: whole, at: whole }),
])

const worldSchema = v.strictObject({
  name: v.pipe(v.string(), v.minLength(1)),
  globalBatch: wholePositive,
  steps: wholePositive,
  devices: v.pipe(v.array(deviceSchema), v.minLength(1)),
  /** Each time is multiplied by exp(N(0, σ) − σ²/2), and a spike's by Pareto's tail too. */
  noise: v.strictObject({
    sigma: nonNegative,
    spikes: v.optional(
      v.strictObject({
        probability: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
        pareto: positive,
        factor: v.pipe(v.number(), v.minValue(1)),
      }),
    ),
  }),
  /** Seconds after the slowest device, in every step. */
  communication: nonNegative,
  events: v.array(eventSchema),
})

/** A simulated cluster: speeds, noise, events. Times are in seconds. */
export type World = v.InferOutput<typeof worldSchema>
export type WorldDevice = World['devices'][number]
export type WorldEvent = World['events'][number]

/** Checks a world read from JSON; BAD_CONFIG names the field that is wrong. */
export function parseWorld(json: unknown): World {
  const result = v.safeParse(worldSchema, json)
  if (!result.success) {
    const [issue] = result.issues
    const field = v.getDotPath(issue) ?? 'the world'
    throw new KaitianError('BAD_CONFIG', `A world is not valid at ${field}: ${issue.message}.`, {
      fields: { field },
    })
  }
  const world = result.output
  const stray = world.events.find((event) => 'device' in event && !(event.device in world.devices))
  if (stray !== undefined) {
    throw new KaitianError(
      'BAD_CONFIG',
      `World ${world.name}: a ${stray.kind} event names a device that the world does not have.`,
      { fields: { event: stray } },
    )
  }
  return world
}

/** Reads one world file. */
export function readWorld(file: URL | string): World {
  try {
    return parseWorld(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    if (error instanceof KaitianError) throw error
    throw new KaitianError('BAD_CONFIG', `World file ${String(file)} cannot be read as JSON.`, {
      cause: error,
    })
  }
}

/** The worlds that come with this package, in the order of their names. */
export function ownWorlds(): World[] {
  const folder = ownFile('../worlds/', import.meta.url)
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
  return files.toSorted().map((name) => readWorld(new URL(name, folder)))
}
