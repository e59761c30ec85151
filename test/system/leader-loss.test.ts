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

for (const bridge of bridges.filter((name) => name === 'tcp')) {
  test(`T1 T3 a leader whose thread ends costs its group, and no more, over ${bridge}`, async () => {
    let killed: Promise<void> | undefined
    const { summary, verdict } = await tryRun({
      options: {
        groups: groupsOf('sim', [2, 1]),
        seed: 4,
        evaluate: false,
        bridge,
        // Has to pass: until then the others wait for the one that is gone.
        deadlineMs: 20_000,
      },
      on: ({ name, payload }, runtime) => {
        if (name !== 'step' || payload.committed !== 3) return
        void threads.get('kaitian/trainer/leader-b')!.terminate()
        // The next generation is formed already when its end is told.
        killed = runtime.kill('cpu:1')
      },
    })
    await killed
    assert.ok(verdict.ok, verdict.summary)
    assert.is(summary.outcome, 'finished')
    assert.equal(Object.keys(summary.digests), ['cpu:0'])
  })
}

test.run()
