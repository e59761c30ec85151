import type { Socket } from 'node:net'
import { readdirSync, readlinkSync } from 'node:fs'
import { tcp, type Network } from '@kaitian/train/bridge'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { whenNative } from '../comm-native/conformance.js'
import { RawPeer } from './raw-peer.js'
import { addresses, Cluster, connectAll, failure, turns, until, type End } from './support.js'

const GROUPS = ['a', 'b']

/** Sockets that are open in this process, whoever owns them. */
function sockets(): number {
  if (process.platform !== 'linux') return 0
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')
    } catch {
      // It was the listing's own.
      return false
    }
  }).length
}

/** What the two groups are doing when one of them, or both, are disposed of. */
const phases: Record<string, (a: End, b: End) => Promise<Promise<unknown>[]>> = {
  'before anything': async () => [],
  'a stranger knocks': async (a) => {
    const peer = new RawPeer(a.peering.address)
    await until('the connection', () => !peer.socket.connecting)
    return [peer.close()]
  },
  'they dial': async (a, b) => [failure(b.peering.connect(addresses(a)))],
  'they wait to be dialled': async (a, b) => [failure(a.peering.connect(addresses(b)))],
  'they are connected': async (a, b) => {
    await connectAll(a, b)
    return []
  },
  'they wait to dial again': async (a, b) => {
    await connectAll(a, b)
    await a.peering.dispose()
    await until('the loss', () => b.lost.length === 1)
    return []
  },
}

type Suite = ReturnType<typeof suite>
const before = sockets()
const nothingLeft = (): Promise<void> => until('no sockets', () => sockets() === before)

function everyPhase(test: Suite): void {
  for (const [phase, begin] of Object.entries(phases)) {
    test(`dispose while ${phase}: nothing is left, nobody waits`, async () => {
      const cluster = new Cluster()
      const a = await cluster.open('a', GROUPS)
      const b = await cluster.open('b', GROUPS)
      const waiting = await begin(a, b)
      await cluster[Symbol.asyncDispose]()
      await Promise.all(waiting)
      await nothingLeft()
      assert.not(a.peering.trunk('b').attached || b.peering.trunk('a').attached)
      const [refused, lost] = [b.refused.length, b.lost.length]
      await cluster.clock.advance(10_000)
      await turns(20)
      assert.equal([b.refused.length, b.lost.length], [refused, lost], 'nothing is reported later')
    })
  }
}

function everyPiece(test: Suite): void {
  for (let frames = 0; frames <= 4; frames++) {
    test(`dispose after ${frames} pieces of a handshake leaves nothing`, async () => {
      const cluster = new Cluster()
      let heard = 0
      let dispose: Promise<void> | undefined
      const count = (socket: Socket): Socket =>
        socket.prependListener('data', () => {
          if (heard++ === frames) dispose = cluster[Symbol.asyncDispose]()
        })
      const network: Network = {
        listen: (at, accept) => tcp.listen(at, (socket) => accept(count(socket))),
        dial: (to) => count(tcp.dial(to)),
      }
      const [a, b] = [
        await cluster.open('a', GROUPS, { network }),
        await cluster.open('b', GROUPS, { network }),
      ]
      const outcomes = await Promise.allSettled([
        a.peering.connect(addresses(b)),
        b.peering.connect(addresses(a)),
      ])
      if (dispose === undefined) assert.ok(outcomes.every(({ status }) => status === 'fulfilled'))
      await (dispose ?? cluster[Symbol.asyncDispose]())
      await nothingLeft()
    })
  }
}

function ports(test: Suite): void {
  test('dispose while the port opens closes it, and a disposed peering stays so', async () => {
    const cluster = new Cluster()
    const { peering } = cluster.make('a', GROUPS)
    const listening = failure(peering.listen())
    await peering.dispose()
    assert.is((await listening).code, 'CANCELLED')
    assert.is((await failure(peering.listen())).code, 'CANCELLED')
    const at = { group: 'b', host: '127.0.0.1', port: 1 }
    assert.is((await failure(peering.connect([at]))).code, 'CANCELLED')
    assert.is(peering.dispose(), peering.dispose())
    await nothingLeft()
  })

  test('a port that is taken is said to be', async () => {
    await using cluster = new Cluster()
    const { port } = (await cluster.open('a', GROUPS)).peering.address
    const error = await failure(cluster.open('b', GROUPS, { port }))
    assert.is(error.code, 'PORT_IN_USE')
  })
}

whenNative(() => {
  const test = suite('bridge dispose')
  for (const add of [everyPhase, everyPiece, ports]) add(test)
  test.run()
})
