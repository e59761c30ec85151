import { createSystem, protocol, tell, type Handlers } from '@kaitian/actors'
import nact from 'nact'
import { createActor, fromTransition } from 'xstate'
import { openComedy } from './comedy.js'
import type { Entrant, Measurement } from './contest.js'
import { FloorMailbox } from './floor.js'
import { Countdown, gradient, type Gradient } from './message.js'
import { rateAtLeast, timesAsFast } from './targets.js'
import { timed } from './timed.js'

/** Fits our mailbox as it comes (1024); the others' have no bound. */
const batch = 1000

const SummerProtocol = protocol({ add: tell<Gradient>() })

/** What all the others do too: add to a sum, and count down. */
class Summer implements Handlers<typeof SummerProtocol> {
  static readonly protocol = SummerProtocol
  readonly #countdown: Countdown
  sum = 0

  constructor(countdown: Countdown) {
    this.#countdown = countdown
  }

  add({ n }: Gradient): void {
    this.sum += n
    this.#countdown.handled()
  }
}

/**
 * Unlike each other: nact gives each message a `setImmediate` of its own, and a copy of its
 * context; comedy's sends return bluebird promises, and its handlers do not wait for each other;
 * xstate handles an event within `send`, before that returns.
 */
export const tells: Measurement = {
  name: 'tell',
  title: `tell, same thread: batches of ${batch}, until all are handled`,
  unit: 'M/s',
  contestants: [
    { name: 'ours', open: ours },
    { name: 'nact dispatch', open: withNact },
    { name: 'comedy send', open: withComedy },
    { name: 'xstate send', open: withXstate },
    { name: 'floor', open: floor },
  ],
  targets: [rateAtLeast('ours', 5), timesAsFast('ours', 'nact dispatch', 8)],
}

async function ours(): Promise<Entrant> {
  const system = createSystem()
  const countdown = new Countdown()
  const ref = await system.spawn(Summer, countdown)
  return inBatches(
    countdown,
    (message) => ref.tell.add(message),
    () => system.dispose(),
  )
}

function withNact(): Entrant {
  const system = nact.start()
  const countdown = new Countdown()
  const add = (sum: number, { n }: Gradient): number => {
    countdown.handled()
    return sum + n
  }
  const ref = nact.spawn(system, add, 'summer', { initialState: 0 })
  return inBatches(
    countdown,
    (message) => nact.dispatch(ref, message),
    async () => nact.stop(system),
  )
}

async function withComedy(): Promise<Entrant> {
  const { root, close } = await openComedy()
  const countdown = new Countdown()
  let sum = 0
  const actor = await root.createChild({
    add({ n }: Gradient) {
      sum += n
      countdown.handled()
    },
  })
  return inBatches(countdown, (message) => actor.send('add', message), close)
}

function withXstate(): Entrant {
  const countdown = new Countdown()
  const add = (sum: number, { n }: Gradient): number => {
    countdown.handled()
    return sum + n
  }
  const actor = createActor(fromTransition(add, 0)).start()
  return inBatches(
    countdown,
    (message) => actor.send(message),
    async () => void actor.stop(),
  )
}

function floor(): Entrant {
  const countdown = new Countdown()
  let sum = 0
  const mailbox = new FloorMailbox(({ n }: Gradient) => {
    sum += n
    countdown.handled()
  })
  return inBatches(
    countdown,
    (message) => mailbox.send(message),
    async () => undefined,
  )
}

function inBatches(
  countdown: Countdown,
  send: (message: Gradient) => unknown,
  close: () => Promise<void>,
): Entrant {
  return timed({
    async run(messages) {
      for (let sent = 0; sent < messages; sent += batch) {
        const handled = countdown.expect(batch)
        for (let n = 0; n < batch; n++) send(gradient(n))
        await handled
      }
    },
    close,
    step: batch,
  })
}
