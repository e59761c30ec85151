import { serveFacade } from '@kaitian/actors'
import type { TrainApi } from '../run/api.js'
import { loadTask } from '../run/load-task.js'
import type { TrainOptions } from '../run/options.js'
import { Runtime } from './runtime.js'
import { sending } from './sending.js'

/** The runtime's thread: one run, behind a facade that the user's thread holds. */
serveFacade(async (options: TrainOptions, emit): Promise<TrainApi> => {
  const task = await loadTask(options.task)
  const runtime = await Runtime.create(options, task, sending(emit))
  return {
    open: () => runtime.open(),
    // The summary has gone as `end`, with its error as a record, which a reply does not keep whole.
    run: async () => void (await runtime.run()),
    stop: () => runtime.stop(),
    kill: (device) => runtime.kill(device),
    slow: (device, factor) => runtime.slow(device, factor),
    inspect: (device) => runtime.inspect(device),
    close: () => runtime.close(),
  }
})
