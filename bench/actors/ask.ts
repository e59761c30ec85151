import { ask, createSystem, protocol, type AskOptions, type Handlers } from '@kaitian/actors'
import nact from 'nact'
import { oneByOne, type Asker } from './asking.js'
import { openComedy } from './comedy.js'
import type { Measurement } from './contest.js'
import { FloorMailbox } from './floor.js'
import { answerTo, type Gradient } from './message.js'
import type { NactRef } from './nact-ref.js'
import { costAtMost } from './targets.js'

const timeoutMs = 10_000

const AnswererProtocol = protocol({ next: ask<Gradient, number>() })

class Answerer implements Handlers<typeof AnswererProtocol> {
  static readonly protocol = AnswererProtocol

  next(message: Gradient): number {
    return answerTo(message)
  }
}

/** Unlike each other: nact insists on a time-out, so ours is shown with one as well. */
export const asks: Measurement = {
  name: 'ask',
  title: 'ask, same thread: one at a time',
  unit: 'µs',
  contestants: [
    { name: 'ours', open: async () => oneByOne(await ours()) },
    { name: 'ours, with timeoutMs', open: async () => oneByOne(await ours({ timeoutMs })) },
    { name: 'nact query', open: () => oneByOne(withNact()) },
    { name: 'comedy sendAndReceive', open: async () => oneByOne(await withComedy()) },
    { name: 'floor', open: () => oneByOne(floor()) },
  ],
  absent: { xstate: 'its actors have events, no asks' },
  targets: [costAtMost('ours', 1, 'µs')],
}

async function ours(options?: AskOptions): Promise<Asker> {
  const system = createSystem()
  const ref = await system.spawn(Answerer, undefined)
  return {
    ask: (message) => ref.ask.next(message, options),
    close: () => system.dispose(),
  }
}

interface Question {
  readonly message: Gradient
  readonly sender: NactRef
}

function withNact(): Asker {
  const system = nact.start()
  const ref = nact.spawnStateless(system, ({ message, sender }: Question) =>
    nact.dispatch(sender, answerTo(message)),
  )
  return {
    ask: (message) =>
      nact.query(ref, (sender: NactRef) => ({ message, sender }), timeoutMs) as Promise<number>,
    close: async () => nact.stop(system),
  }
}

async function withComedy(): Promise<Asker> {
  const { root, close } = await openComedy()
  const actor = await root.createChild({ next: answerTo })
  return { ask: (message) => actor.sendAndReceive('next', message), close }
}

function floor(): Asker {
  const mailbox = new FloorMailbox(
    ({ message, resolve }: { message: Gradient; resolve: (reply: number) => void }) =>
      resolve(answerTo(message)),
  )
  return {
    ask: (message) => new Promise((resolve) => mailbox.send({ message, resolve })),
    close: async () => undefined,
  }
}
