/** `node --expose-gc memory-process.js ours 20000` prints what one idle actor takes, in bytes. */
import { setImmediate } from 'node:timers/promises'
import { createSystem, protocol, tell, type Handlers } from '@kaitian/actors'
import nact from 'nact'
import { createActor, fromTransition } from 'xstate'
import { Countdown, gradient, type Gradient } from './message.js'

const warmUpActors = 1000

const countdown = new Countdown()
const SummerProtocol = protocol({ add: tell<Gradient>() })

class Summer implements Handlers<typeof SummerProtocol> {
  static readonly protocol = SummerProtocol
  sum = 0

  add({ n }: Gradient): void {
    this.sum += n
    countdown.handled()
  }
}

function add(sum: number, { n }: Gradient): number {
  countdown.handled()
  return sum + n
}

const [, , who, count] = process.argv
console.log((await weigh(who, Number(count))).toFixed(0))
// Some have no way to end all their actors at once, and nothing is left to wait for.
process.exit(0)

function weigh(name: string, actors: number): Promise<number> {
  if (name === 'ours') {
    const system = createSystem()
    return bytesPerActor(
      actors,
      (i) => system.spawn(Summer, undefined, { name: `summer-${i}` }),
      (ref, message) => ref.tell.add(message),
    )
  }
  if (name === 'nact') {
    const system = nact.start()
    return bytesPerActor(
      actors,
      async (i) => nact.spawn(system, add, `summer-${i}`, { initialState: 0 }),
      (ref, message) => nact.dispatch(ref, message),
    )
  }
  const logic = fromTransition(add, 0)
  return bytesPerActor(
    actors,
    async (i) => createActor(logic, { id: `summer-${i}` }).start(),
    (actor, message) => actor.send(message),
  )
}

async function bytesPerActor<Ref>(
  actors: number,
  spawn: (i: number) => Promise<Ref>,
  send: (ref: Ref, message: Gradient) => unknown,
): Promise<number> {
  const refs: Ref[] = []
  const addActors = async (more: number): Promise<void> => {
    for (let i = 0; i < more; i++) refs.push(await spawn(refs.length))
    const handled = countdown.expect(more)
    for (const ref of refs.slice(-more)) send(ref, gradient(1))
    await handled
  }
  await addActors(warmUpActors)
  const before = await heapUsed()
  await addActors(actors)
  return ((await heapUsed()) - before) / actors
}

async function heapUsed(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await setImmediate()
    globalThis.gc?.()
  }
  return process.memoryUsage().heapUsed
}
