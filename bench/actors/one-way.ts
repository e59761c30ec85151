import { createSystem, type Ref } from '@kaitian/actors'
import { openComedy } from './comedy.js'
import type { Entrant, Measurement } from './contest.js'
import { Counter, type CounterProtocol } from './counter.js'
import { gradient, type Gradient } from './message.js'
import { RawWorker } from './raw-worker.js'
import { rateAtLeast } from './targets.js'
import { timed } from './timed.js'

/** Long enough to fill mailboxes. */
const sampleUs = 100_000
/** Messages in one of the hand-made batches. */
const batch = 1000

/**
 * Unlike each other: ours has a bounded mailbox and keeps books of what became of each message;
 * raw posts know neither, so all may pile up at the receiver.
 */
export const oneWay: Measurement = {
  name: 'one-way',
  title: 'tell, across threads: until the receiver says that it has handled the last',
  unit: 'M/s',
  contestants: [
    { name: 'ours', open: ours },
    { name: 'raw postMessage', open: () => raw(rawOneByOne) },
    { name: `raw, batches of ${batch}`, open: () => raw(rawInBatches) },
    { name: 'comedy, threaded', open: withComedy },
  ],
  absent: {
    nact: 'its actors share one thread',
    xstate: 'its actors share one thread',
    comlink: 'its calls are always answered',
    piscina: 'its tasks are always answered',
  },
  passes: 1,
  targets: [rateAtLeast('ours', 1.5)],
}

async function ours(): Promise<Entrant> {
  const system = createSystem()
  const ref = await system.spawn(Counter, undefined, {
    on: { thread: new URL('./counter.js', import.meta.url) },
    mailbox: { capacity: 8192, overflow: 'wait' },
  })
  return timed({
    async run(messages) {
      await sendAll(ref, messages)
      // Ours keeps the order (A2): the answer comes after the last message was handled.
      checkTotal(await ref.ask.total(), messages)
    },
    close: () => system.dispose(),
    sampleUs,
  })
}

/** In order, each once; waits whenever the mailbox has no room for the next. */
async function sendAll(ref: Ref<typeof CounterProtocol>, messages: number): Promise<void> {
  for (let n = 0; n < messages; n++) {
    if (ref.tell.add(gradient(n)) !== 'queued') await ref.room()
  }
}

function raw(sendEach: (worker: RawWorker, messages: number) => void): Entrant {
  const worker = new RawWorker()
  return timed({
    async run(messages) {
      sendEach(worker, messages)
      checkTotal(await worker.total(), messages)
    },
    close: () => worker.close(),
    sampleUs,
    step: batch,
  })
}

function rawOneByOne(worker: RawWorker, messages: number): void {
  for (let n = 0; n < messages; n++) worker.tell(gradient(n))
}

function rawInBatches(worker: RawWorker, messages: number): void {
  for (let first = 0; first < messages; first += batch) {
    worker.tellAll(Array.from({ length: batch }, (_, i) => gradient(first + i)))
  }
}

/** An ask may overtake comedy's sends, so it is asked until all have come. */
async function withComedy(): Promise<Entrant> {
  const { root, close } = await openComedy()
  const actor = await root.createChild(
    class Receiver {
      sum = 0

      add({ n }: Gradient): void {
        this.sum += n
      }

      total(): number {
        return this.sum
      }
    },
    { mode: 'threaded' },
  )
  let expected = 0
  return timed({
    async run(messages) {
      for (let n = 0; n < messages; n++) void actor.send('add', gradient(n))
      expected += sumTo(messages)
      while ((await actor.sendAndReceive('total')) !== expected);
    },
    close,
    sampleUs,
  })
}

function checkTotal(total: number, messages: number): void {
  if (total !== sumTo(messages)) throw new Error(`the ${messages} messages did not all arrive`)
}

function sumTo(messages: number): number {
  return (messages * (messages - 1)) / 2
}
