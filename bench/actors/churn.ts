import { setImmediate } from 'node:timers/promises'
import { createSystem, protocol, tell, type Handlers, type Ref } from '@kaitian/actors'
import nact from 'nact'
import type { Contestant, Entrant, Measurement } from './contest.js'
import { timesTheCost } from './targets.js'
import { timed } from './timed.js'

const sizes = [10_000, 30_000, 100_000]

const IdlerProtocol = protocol({ idle: tell() })

class Idler implements Handlers<typeof IdlerProtocol> {
  static readonly protocol = IdlerProtocol

  idle(): void {}
}

/**
 * Unlike each other: ours tells when an actor has started and when it has stopped, and both are
 * waited for; nact's spawn and stop return at once.
 */
export const churn: Measurement = {
  name: 'churn',
  title: 'spawn and stop, same thread: all are alive before the first is stopped; per actor',
  unit: 'µs',
  maxRounds: 5,
  passes: 1,
  contestants: sizes.flatMap((size): Contestant[] => [
    { name: ourName(size), against: ourName(sizes[0]), open: () => ours(size) },
    { name: `nact, ${size}`, against: ourName(size), open: () => withNact(size) },
  ]),
  // Linear: what an actor costs does not depend on how many there are.
  targets: [timesTheCost(ourName(sizes[2]), ourName(sizes[0]), 1.5)],
}

function ourName(size: number): string {
  return `ours, ${size}`
}

function ours(size: number): Entrant {
  const system = createSystem()
  return timed({
    async run(actors) {
      const refs: Ref<typeof IdlerProtocol>[] = []
      for (let i = 0; i < actors; i++) {
        refs.push(await system.spawn(Idler, undefined, { name: `idler-${i}` }))
      }
      await Promise.all(refs.map((ref) => system.stop(ref)))
    },
    close: () => system.dispose(),
    operations: size,
  })
}

function withNact(size: number): Entrant {
  const system = nact.start()
  return timed({
    async run(actors) {
      const refs = Array.from({ length: actors }, (_, i) =>
        nact.spawnStateless(system, () => undefined, `idler-${i}`),
      )
      for (const ref of refs) nact.stop(ref)
      // It runs `afterStop` then.
      await setImmediate()
    },
    close: async () => nact.stop(system),
    operations: size,
  })
}
