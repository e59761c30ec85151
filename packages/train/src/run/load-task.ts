import { KaitianError, toKaitianError } from '@kaitian/errors'
import * as v from 'valibot'
import type { Augmentation } from '../data/augment.js'
import { checked, strict } from '../schema/checked.js'
import { above, atLeast, between, flag, oneOf, text, whole } from '../schema/values.js'
import type { SgdOptions, Task } from './task.js'

type Entries<Type> = Readonly<Record<keyof Type, v.GenericSchema>>

const sgdEntries = {
  kind: oneOf(['sgd']),
  learningRate: above(0),
  momentum: between(0, 1),
  weightDecay: atLeast(0),
  warmupSteps: whole(0),
  schedule: oneOf(['constant', 'cosine']),
} satisfies Entries<SgdOptions>

const augmentationEntries = { crop: whole(0), flip: flag } satisfies Entries<Augmentation>

const schema = strict({
  name: text,
  // Checked by `defineModel`, which can name the layer.
  model: v.custom<object>(isObject, 'must be an object'),
  data: v.custom<Task['data']>((value) => typeof value === 'function', 'must be a function'),
  augmentation: v.optional(strict(augmentationEntries)),
  optimiser: strict(sgdEntries),
  batch: whole(1),
  shard: whole(1),
  epochs: whole(1),
} satisfies Entries<Task>)

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

/** @throws KaitianError BAD_TASK */
export function checkTask(candidate: unknown, where: string): Task {
  try {
    checked(schema, candidate, {
      code: 'BAD_TASK',
      whole: 'its default export',
      sentence: (what) =>
        `The task in ${where} is not usable: ${what} Export default defineTask({ … }).`,
    })
  } catch (error) {
    // Its own getters may throw.
    throw toKaitianError(error, 'BAD_TASK', `The task in ${where} cannot be read`)
  }
  return candidate as Task
}

/** What a user's own code throws is the user's; what it means for the run is said in front. */
export async function loadData(task: Task, options: Parameters<Task['data']>[0]): Promise<unknown> {
  try {
    return await task.data(options)
  } catch (error) {
    if (error instanceof KaitianError) throw error
    throw toKaitianError(error, 'BAD_TASK', `data() of the task '${task.name}' failed`)
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
