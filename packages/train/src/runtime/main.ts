import { serveFacade } from '@kaitian/actors'
import { loadTask } from '../run/load-task.js'
import type { TrainOptions } from '../run/options.js'
import { Runtime } from './runtime.js'

/** The runtime's thread: one run, behind a facade that the user's thread holds. */
serveFacade(async (options: TrainOptions, emit) => {
  const task = await loadTask(options.task)
  return await Runtime.create(options, task, emit)
})
