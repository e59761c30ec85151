import { KaitianError, toKaitianError } from '@kaitian/errors'
import * as v from 'valibot'
import type { Task } from './task.js'

const positive = v.pipe(v.number(), v.finite(), v.minValue(Number.MIN_VALUE))
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1))
const whole = v.pipe(v.number(), v.integer(), v.minValue(0))
const atLeastOne = v.pipe(v.number(), v.integer(), v.minValue(1))

/** The model itself is checked by `defineModel`, which can name the layer. */
const TaskSchema = v.looseObject({
  name: v.pipe(v.string(), v.nonEmpty()),
  model: v.looseObject({ layers: v.array(v.looseObject({ kind: v.string() })) }),
  data: v.function(),
  augmentation: v.optional(v.object({ crop: whole, flip: v.boolean() })),
  optimiser: v.object({
    kind: v.literal('sgd'),
    learningRate: positive,
    momentum: share,
    weightDecay: v.pipe(v.number(), v.minValue(0)),
    warmupSteps: whole,
    schedule: v.picklist(['constant', 'cosine']),
  }),
  batch: atLeastOne,
  shard: atLeastOne,
  epochs: atLeastOne,
})

/** Imports a task module and checks its default export; BAD_TASK says what is wrong with it. */
export async function loadTask(url: string): Promise<Task> {
  let module: { default?: unknown }
  try {
    module = (await import(url)) as { default?: unknown }
  } catch (error) {
    throw toKaitianError(error, 'BAD_TASK', `The task module ${url} failed at import`)
  }
  return checkTask(module.default, url)
}

export function checkTask(candidate: unknown, where: string): Task {
  const result = v.safeParse(TaskSchema, candidate)
  if (result.success) return candidate as Task
  const [issue] = result.issues
  const path = v.getDotPath(issue) ?? 'its default export'
  throw new KaitianError(
    'BAD_TASK',
    `The task in ${where} is not usable: ${path}: ${issue.message}. Export default defineTask({ … }).`,
    { fields: { task: where, path } },
  )
}
