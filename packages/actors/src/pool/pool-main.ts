import { workerData } from 'node:worker_threads'
import { KaitianError, toKaitianError } from '@kaitian/errors'
import type { PoolOutcome } from './pool.js'

type Work = (task: unknown) => unknown

/** What the threads of a pool run: the user's module, its errors kept whole. */
const { module } = workerData as { module: string }
let work: Promise<Work> | undefined

export default async function run(task: unknown): Promise<PoolOutcome> {
  try {
    work ??= importWork()
    return { value: await (await work)(task) }
  } catch (error) {
    return { error: toKaitianError(error, 'ACTOR_FAILED', `A task of ${module} failed`).toRecord() }
  }
}

async function importWork(): Promise<Work> {
  const exports = (await import(module)) as { default?: unknown }
  if (typeof exports.default === 'function') return exports.default as Work
  throw new KaitianError('SPAWN_FAILED', `${module} has no function as its default export`, {
    fields: { module },
  })
}
