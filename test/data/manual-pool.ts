import { packShards, type PackPool, type PackTask } from '@kaitian/train/data'

interface Pending {
  readonly task: PackTask
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** A packing pool whose tasks end when, and as, the test says. */
export class ManualPool implements PackPool {
  readonly pending: Pending[] = []

  run(task: PackTask): Promise<void> {
    return new Promise((resolve, reject) => this.pending.push({ task, resolve, reject }))
  }

  /** Packs the k-th of the waiting tasks. */
  async finish(k = 0): Promise<void> {
    const [{ task, resolve }] = this.pending.splice(k, 1)
    packShards(task)
    resolve()
    await turn()
  }

  /** Packs what is waiting and what that sets off, until nothing is left. */
  async finishAll(): Promise<void> {
    while (this.pending.length > 0) await this.finish()
  }

  async fail(error: Error): Promise<void> {
    this.pending.splice(0, 1)[0].reject(error)
    await turn()
  }

  /** Slots that a thread is writing to right now, as far as the feed can know. */
  get writing(): number[] {
    return this.pending.flatMap(({ task }) => task.shards.map(({ slot }) => slot))
  }

  async dispose(): Promise<void> {
    for (const { reject } of this.pending.splice(0)) reject(new Error('the pool is disposed'))
  }
}

/** Lets every promise reaction that is due run. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}
