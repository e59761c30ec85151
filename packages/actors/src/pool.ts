import { KaitianError } from '@kaitian/errors'

export interface PoolOptions {
  /** The module whose default export is the function that a task runs. */
  module: URL
  /** Worker threads; one fewer than the cores unless told. */
  threads?: number
  /** Tasks that may wait; one more is refused with `MAILBOX_FULL`. */
  maxQueue?: number
}

/** Worker threads for stateless work. */
export interface Pool<Task, Result> extends AsyncDisposable {
  run(task: Task, options?: { signal?: AbortSignal }): Promise<Result>
  dispose(): Promise<void>
}

export function openPool<Task, Result>(options: PoolOptions): Pool<Task, Result> {
  throw new KaitianError('INTERNAL', `openPool is not built yet: ${options.module.href}`)
}
