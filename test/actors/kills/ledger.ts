import { KaitianError, type ErrorCode } from '@kaitian/errors'
import type { ActorRef, Down, System } from '@kaitian/actors'

/** What an ask or a flow of a victim may end with. */
const known: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ACTOR_FAILED',
  'ACTOR_RESTARTING',
  'ACTOR_STOPPED',
  'ASK_TIMEOUT',
  'CANCELLED',
  'MAILBOX_FULL',
  'PROCESS_EXITED',
  'SPAWN_FAILED',
  'THREAD_EXITED',
])

/** Keeps book of all that was begun and must end. */
export class Ledger {
  readonly #open = new Map<number, string>()
  #last = 0
  settled = 0
  readonly problems: string[] = []
  readonly pids = new Set<number>()

  get open(): string[] {
    return [...this.#open.values()]
  }

  /** Notes that `what` began; its end is noted by itself. Never rejects. */
  async track(what: string, promise: Promise<unknown>): Promise<void> {
    const id = this.#begin(what)
    try {
      await promise
    } catch (error) {
      const isKnown = error instanceof KaitianError && known.has(error.code)
      if (!isKnown) this.problems.push(`${what} ended with ${String(error)}`)
    }
    this.#end(id)
  }

  /** A watcher is told once. */
  watch(system: System, ref: ActorRef): Promise<Down> {
    const id = this.#begin(`the watch of ${ref.path}`)
    let told = 0
    return new Promise((resolve) => {
      system.watch(ref, (down) => {
        told++
        if (told > 1) this.problems.push(`the watcher of ${ref.path} was told ${told} times`)
        else this.#end(id)
        resolve(down)
      })
    })
  }

  #begin(what: string): number {
    this.#open.set(++this.#last, what)
    return this.#last
  }

  #end(id: number): void {
    this.#open.delete(id)
    this.settled++
  }
}
