import { MessageChannel } from 'node:worker_threads'
import { KaitianError } from '@kaitian/errors'

/**
 * The platform's, taken when this module is loaded: turns of the event loop take no time, so that
 * they go on under the fake timers that a test puts in their place.
 */
export const { setImmediate: onNextTurn, clearImmediate: offNextTurn } = globalThis

/** Those that were taken have been seen to be real. */
let areReal = false
onNextTurn(() => {
  areReal = true
})

/** One turn of the event loop: all microtasks have run, chained ones included. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve, reject) => {
    onNextTurn(resolve)
    if (!areReal) rejectUnlessReal(reject)
  })
}

/** Between two messages of a port there is always a turn, in which a real `setImmediate` calls back. */
function rejectUnlessReal(reject: (error: KaitianError) => void): void {
  const { port1, port2 } = new MessageChannel()
  let messages = 0
  port1.on('message', () => {
    if (!areReal && ++messages < 3) return port2.postMessage(undefined)
    port1.close()
    if (areReal) return
    reject(
      new KaitianError(
        'BAD_ARGUMENT',
        'setImmediate was replaced by a fake before @kaitian/actors was loaded, so that nothing goes on: import it before the timers are faked, or fake them without setImmediate',
      ),
    )
  })
  port2.postMessage(undefined)
}

/** Somebody has put fake timers in the platform's place. */
export function hasFakeTimers(): boolean {
  return globalThis.setImmediate !== onNextTurn || globalThis.setTimeout !== timeout
}

const { setTimeout: timeout } = globalThis
