import { overSeeds } from '@kaitian/actors/testing'
import { Tally } from '../fixtures/tally.js'

/** Fails for some seeds: takes it that messages of several senders never come in reverse. */
export async function fragile(): Promise<void> {
  await overSeeds<number>({
    seeds: 50,
    generate: () => [1, 2, 3],
    async run(system, steps) {
      const till = await system.spawn(Tally, undefined, { name: 'till' })
      const senders = await Promise.all(steps.map(() => system.spawn(Tally, undefined)))
      senders.forEach((sender, at) => void sender.ask.added().then(() => till.tell.add(steps[at])))
      await system.settle()
      const added = await till.ask.added()
      if (added.join() === '3,2,1') throw new Error(`got ${added.join()}`)
    },
  })
}
