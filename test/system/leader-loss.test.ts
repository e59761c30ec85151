import { syncBuiltinESMExports } from 'node:module'
import workerThreads from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

/** By name: threads that were started in this process and may still run. */
const threads = new Map<string, workerThreads.Worker>()
const { Worker } = workerThreads
workerThreads.Worker = class extends Worker {
  constructor(...args: ConstructorParameters<typeof Worker>) {
    super(...args)
    threads.set(args[1]?.name ?? '', this)
  }
}
// A run ends its devices' threads on request, but not its leaders': they are ended from without.
syncBuiltinESMExports()
const { bridges, groupsOf, tryRun } = await import('../train/try-run.js')

const test = suite('loss of a leader')

/** The leaders that run: `leader-a-0` is the first that was started, for group a. */
function leaders(): string[] {
  return [...threads.keys()].filter((name) => name.startsWith('kaitian/loop/leader-'))
}

for (const bridge of bridges) {
  test(`T1 T2 T3 leaders whose threads end are replaced, and cost no device, over ${bridge}`, async () => {
    const options = {
      groups: groupsOf('sim', [2, 1]),
      seed: 4,
      evaluate: false,
      bridge,
      deterministic: true,
      maxSteps: 12,
    }
    threads.clear()
    const undisturbed = await tryRun({ options })
    threads.clear()
    const ended: string[] = []
    const { summary, verdict } = await tryRun({
      options,
      on: ({ name, payload }) => {
        if (name !== 'step' || ![2, 5, 6].includes(payload.committed)) return
        const latest = leaders().findLast((leader) => !ended.includes(leader))!
        ended.push(latest)
        void threads.get(latest)!.terminate()
      },
    })
    assert.ok(verdict.ok, verdict.summary)
    assert.is(summary.outcome, 'finished')
    assert.is(ended.length, 3)
    assert.ok(summary.generations >= 3, `${summary.generations} generations`)
    assert.equal(Object.keys(summary.digests), ['cpu:0', 'cpu:1', 'cpu:2'])
    assert.equal(summary.digests, undisturbed.summary.digests)
  })
}

test.run()
