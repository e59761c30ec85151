import { move, type Ref } from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import * as assert from 'uvu/assert'
import { MessageChannel } from 'node:worker_threads'
import { nextEvent, rejection } from '../../actors/support.js'
import { Carrier, type CarrierProtocol } from './fixtures/carrier.js'
import { theme, type Stage } from './stage.js'

const module = new URL('./fixtures/carrier.js', import.meta.url)

function carrier(stage: Stage): Promise<Ref<typeof CarrierProtocol>> {
  return stage.system.spawn(Carrier, undefined, { name: 'c', on: stage.where.on(module) })
}

function ones(length: number): { bytes: Uint8Array<ArrayBuffer> } {
  return { bytes: new Uint8Array(length).fill(1) }
}

function refused(transfer: () => unknown): string {
  try {
    transfer()
  } catch (error) {
    assert.instance(error, KaitianError)
    assert.is((error as KaitianError).code, 'MESSAGE_NOT_CLONEABLE')
    return (error as KaitianError).message
  }
  return assert.unreachable('the transfer list was taken') as never
}

export const transfers = theme('transfers', {
  everywhere: {
    'a transfer list is checked before anything is sent': async () => {
      const { bytes } = ones(4)
      const { buffer } = bytes
      const gone = new ArrayBuffer(4)
      structuredClone(gone, { transfer: [gone] })
      assert.match(
        refused(() => move({}, [buffer, buffer])),
        'twice',
      )
      assert.match(
        refused(() => move({}, [gone])),
        'detached',
      )
      assert.match(
        refused(() => move({}, [new SharedArrayBuffer(4) as never])),
        'shared memory',
      )
      assert.match(
        refused(() => move({}, [bytes as never])),
        'view',
      )
      assert.match(
        refused(() => move({}, [7 as never])),
        'no object',
      )
      assert.is(buffer.byteLength, 4)
      const empty = new ArrayBuffer(0)
      const value = {}
      assert.is(move(value, [empty]), value, 'an empty buffer is not a detached one')
    },

    'what cannot cross rejects its own ask alone, and the others keep their order': async (
      stage,
    ) => {
      if (stage.where.kind === 'inline') return
      const c = await carrier(stage)
      const before = c.ask.weigh(ones(1))
      const there = rejection(
        c.ask.echo(() => 1),
        'MESSAGE_NOT_CLONEABLE',
      )
      const letter = nextEvent(stage.system, 'dead-letter')
      assert.is(c.tell.drop({ ...ones(2), with: Symbol('no') }), 'queued')
      c.tell.drop(ones(3))
      assert.is(await before, 1)
      assert.match(String((await there).cause), /DataCloneError|could not be cloned/)
      assert.is(((await letter) as { reason: string }).reason, 'not-cloneable')
      assert.equal(await c.ask.dropped(), [3])
      await rejection(c.ask.unsendable(), 'MESSAGE_NOT_CLONEABLE')
      assert.is(await c.ask.echo('still there'), 'still there')
    },
  },

  inline: {
    'inline a message is passed by reference, and a transfer list changes nothing': async (
      stage,
    ) => {
      const c = await carrier(stage)
      const load = ones(5)
      assert.is(await c.ask.echo(move(load, [load.bytes.buffer])), load)
      assert.is(load.bytes.byteLength, 5)
      assert.is((await c.ask.make(6)).bytes.byteLength, 6)
      assert.is(await c.ask.left(), 6)
    },
  },

  apart: {
    'A3 an item that cannot cross ends its flow with one error': async (stage) => {
      const c = await carrier(stage)
      const items = c.flow.unsendableItem()
      assert.equal(await items.next(), { done: false, value: 'fine' })
      await rejection(items.next(), 'MESSAGE_NOT_CLONEABLE')
      assert.equal(await items.next(), { done: true, value: undefined })
      assert.is(await c.ask.echo(1), 1, 'the actor goes on')
    },

    'a payload that is too deep, or throws when it is read, is refused; tell does not throw':
      async (stage) => {
        const c = await carrier(stage)
        let deep: unknown = 1
        for (let n = 0; n < 100_000; n++) deep = [deep]
        const trap = {
          get value(): number {
            throw new RangeError('a trap')
          },
        }
        for (const load of [deep, trap]) {
          const letter = nextEvent(stage.system, 'dead-letter')
          c.tell.drop({ ...ones(1), with: load })
          assert.is(((await letter) as { reason: string }).reason, 'not-cloneable')
          await rejection(c.ask.echo(load), 'MESSAGE_NOT_CLONEABLE')
        }
        assert.equal(await c.ask.dropped(), [])
      },

    'a detached buffer is refused': async (stage) => {
      const c = await carrier(stage)
      const load = ones(8)
      structuredClone(load.bytes, { transfer: [load.bytes.buffer] })
      await rejection(c.ask.echo(load), 'MESSAGE_NOT_CLONEABLE')
    },
  },

  thread: {
    'what is moved arrives whole, and is detached where it came from': async (stage) => {
      const c = await carrier(stage)
      const [asked, told] = [ones(10), ones(20)]
      const weighed = c.ask.weigh(move(asked, [asked.bytes.buffer]))
      c.tell.drop(move(told, [told.bytes.buffer]))
      assert.is(await weighed, 10)
      assert.equal(await c.ask.dropped(), [20])
      assert.is(asked.bytes.byteLength + told.bytes.byteLength, 0)
      assert.is((await c.ask.make(30)).bytes.byteLength, 30)
      const lengths: number[] = []
      for await (const { bytes } of c.flow.stream(4)) lengths.push(bytes.byteLength)
      assert.equal(lengths, [1, 2, 3, 4])
      assert.is(await c.ask.left(), 0)
    },

    'of two messages that move the same buffer the first one gets it': async (stage) => {
      const c = await carrier(stage)
      const { bytes } = ones(10)
      const first = c.ask.weigh(move({ bytes }, [bytes.buffer]))
      const second = c.ask.weigh(move({ bytes }, [bytes.buffer]))
      const other = c.ask.weigh(ones(3))
      await rejection(second, 'MESSAGE_NOT_CLONEABLE')
      assert.is(await first, 10)
      assert.is(await other, 3)
    },

    'what was detached after it was marked is refused': async (stage) => {
      const c = await carrier(stage)
      const load = ones(10)
      const marked = move(load, [load.bytes.buffer])
      structuredClone(load.bytes, { transfer: [load.bytes.buffer] })
      await rejection(c.ask.weigh(marked), 'MESSAGE_NOT_CLONEABLE')
      assert.is(await c.ask.echo(1), 1)
    },

    'refs and what is moved go in one message': async (stage) => {
      const c = await carrier(stage)
      const load = ones(10)
      const sent = move({ ...load, with: [c] }, [load.bytes.buffer])
      const back = (await c.ask.echo(sent)) as typeof sent
      assert.is(back.with[0], c)
      assert.is(back.bytes.byteLength, 10)
      assert.is(load.bytes.byteLength, 0)
    },

    'ports can be moved, too': async (stage) => {
      const c = await carrier(stage)
      const { port1, port2 } = new MessageChannel()
      const moved = c.ask.echo(move({ port: port2 }, [port2]))
      // What cannot be moved back ends the ask, and the port with it.
      const closed = new Promise((resolve) => port1.once('close', resolve))
      await rejection(moved, 'MESSAGE_NOT_CLONEABLE')
      port1.close()
      await closed
    },

    'shared memory is shared, not copied, both ways': async (stage) => {
      const c = await carrier(stage)
      const cells = new Int32Array(new SharedArrayBuffer(8))
      const back = await c.ask.mark(cells)
      assert.is(cells[0], 42)
      Atomics.store(cells, 1, 7)
      assert.is(back[1], 7)
    },
  },
})
