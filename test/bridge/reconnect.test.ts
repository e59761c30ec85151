import { seededRandom } from '@kaitian/actors'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { whenNative } from '../comm-native/conformance.js'
import { Proxy } from './proxy.js'
import { addresses, Cluster, connectAll, DEADLINE_MS, failure, turns, until } from './support.js'

const GROUPS = ['a', 'b']
type Suite = ReturnType<typeof suite>

function connecting(test: Suite): void {
  test('B1 three groups connect, each pair once, and know each other’s generation', async () => {
    await using cluster = new Cluster()
    const groups = ['a', 'b', 'c']
    const told: string[] = []
    const ends = await Promise.all(
      groups.map((group) =>
        cluster.open(group, groups, {
          onAttached: (peer, generation) => void told.push(`${group}: ${peer} ${generation}`),
        }),
      ),
    )
    ends.forEach(({ peering }, index) => (peering.generation = index + 1))
    await connectAll(...ends)
    assert.equal(told.toSorted(), ['a: b 2', 'a: c 3', 'b: a 1', 'b: c 3', 'c: a 1', 'c: b 2'])
    await connectAll(...ends)
    assert.is(told.length, 6, 'who is connected is left alone')
    const trunks = groups.slice(1).map((group) => ends[0].peering.trunk(group))
    assert.ok(trunks.every(({ attached }) => attached) && trunks[0] !== trunks[1])
  })

  test('a group that never comes is named at the deadline', async () => {
    await using cluster = new Cluster()
    const a = await cluster.open('a', GROUPS)
    const waiting = failure(a.peering.connect([{ group: 'b', host: '127.0.0.1', port: 1 }]))
    await cluster.clock.advance(DEADLINE_MS)
    const error = await waiting
    assert.is(error.code, 'DEADLINE_EXCEEDED')
    assert.equal(error.fields['groups'], ['b'])
  })

  test('nobody listens where a group should be', async () => {
    await using cluster = new Cluster()
    const gone = await cluster.open('a', GROUPS)
    const b = await cluster.open('b', GROUPS)
    const at = addresses(gone)
    await gone.peering.dispose()
    const error = await failure(b.peering.connect(at))
    assert.is(error.code, 'LINK_LOST')
    assert.match(error.message, /ECONNREFUSED/)
    await cluster.clock.advance(10_000)
    assert.is(b.refused.length, 1, 'what was never connected is dialled when asked')
  })
}

function misuse(test: Suite): void {
  test('options and addresses that make no sense are refused by name', async () => {
    await using cluster = new Cluster()
    const wrong: Record<string, () => unknown> = {
      'no name for a group': () => cluster.make('a b', ['a b']),
      'Two groups': () => cluster.make('a', ['a', 'a']),
      'not in the list': () => cluster.make('x', GROUPS),
      'secret is empty': () => cluster.make('a', GROUPS, { secret: '' }),
      'no port': () => cluster.make('a', GROUPS, { port: 70_000 }),
      'deadlineMs must': () => cluster.make('a', GROUPS, { deadlineMs: 0 }),
      'window must': () => cluster.make('a', GROUPS, { trunk: { window: 0 } }),
      'no group of this run': () => cluster.make('a', GROUPS).peering.trunk('c'),
      'no address yet': () => cluster.make('a', GROUPS).peering.address,
      '0 is no port': () =>
        cluster.make('a', GROUPS).peering.connect([{ group: 'b', host: 'localhost', port: 0 }]),
    }
    for (const [what, attempt] of Object.entries(wrong)) {
      const error = await failure((async () => void (await attempt()))())
      assert.is(error.code, 'BAD_ARGUMENT')
      assert.match(error.message, new RegExp(what))
    }
  })
}

function mending(test: Suite): void {
  test('B1 C5 cut wherever it may be, a link is dialled again and the trunk goes on', async () => {
    const random = seededRandom('cuts')
    await using cluster = new Cluster()
    const a = await cluster.open('a', GROUPS)
    const b = await cluster.open('b', GROUPS)
    await using proxy = await Proxy.open(a.peering.address)
    const through = [{ group: 'a', ...proxy.address }]
    await Promise.all([a.peering.connect(addresses(b)), b.peering.connect(through)])
    const trunks = [a.peering.trunk('b'), b.peering.trunk('a')]
    for (let round = 0; round < 15; round++) {
      // A handshake takes 217 bytes, and the trunks’ first acknowledgements 42 more.
      const cuts = Array.from({ length: 3 }, () => 1 + random.integer(250))
      const [count, times] = [proxy.count, [a.attached.length, b.attached.length]]
      proxy.cuts = [...cuts]
      proxy.cutAll()
      const mended = (): boolean =>
        trunks.every(({ attached }) => attached) && proxy.cuts.length === 0
      await cluster.passes('the cuts', () => proxy.count >= count + 3)
      await cluster.passes(`a link after cuts at ${cuts.join()}`, mended)
      assert.ok(a.attached.length > times[0] && b.attached.length > times[1])
    }
    assert.equal([a.peering.trunk('b'), b.peering.trunk('a')], trunks)
    assert.ok([...a.lost, ...b.lost].every(({ loss }) => loss.reason === 'closed'))
  })
}

function redialling(test: Suite): void {
  test('waits between dials grow and are random; connect does not wait', async () => {
    await using cluster = new Cluster()
    const a = await cluster.open('a', GROUPS)
    const b = await cluster.open('b', GROUPS, { random: { next: () => 0.5 } })
    await connectAll(a, b)
    const at = addresses(a)
    await a.peering.dispose()
    await until('the loss', () => b.lost.length === 1)
    for (const [dials, whole] of [50, 100, 200, 400, 800, 1600, 2000, 2000].entries()) {
      assert.is(b.refused.length, dials)
      assert.is(cluster.clock.pending, 1)
      await cluster.clock.advance(whole * 0.75 - 1)
      await turns(10)
      assert.is(b.refused.length, dials, 'not yet')
      await cluster.clock.advance(1)
      await until('a dial', () => b.refused.length === dials + 1)
    }
    const error = await failure(b.peering.connect(at))
    assert.is(error.code, 'LINK_LOST')
    assert.is(b.refused.length, 9)
    assert.is(cluster.clock.pending, 1, 'and it goes on dialling by itself')
  })

  test('a peer that moved is dialled where it is now', async () => {
    await using cluster = new Cluster()
    const before = await cluster.open('a', GROUPS)
    const b = await cluster.open('b', GROUPS)
    await connectAll(before, b)
    await before.peering.dispose()
    await until('the loss', () => b.lost.length === 1)
    const after = await cluster.open('a', GROUPS)
    await b.peering.connect(addresses(after))
    await until('both', () => after.peering.trunk('b').attached)
    assert.equal(b.attached, ['a', 'a'])
  })

  test('who is told another address gives up the one that does not answer', async () => {
    await using cluster = new Cluster()
    const a = await cluster.open('a', GROUPS)
    const b = await cluster.open('b', GROUPS)
    await using mute = await Proxy.open(a.peering.address)
    mute.cuts = [0]
    const asked = b.peering.connect([{ group: 'a', ...mute.address }])
    await until('the connection', () => mute.count === 1)
    await Promise.all([asked, b.peering.connect(addresses(a))])
    assert.equal(b.refused, [], 'giving up is no failure')
  })

  test('B1 a silent peer is lost as silent, and its place is kept for it', async () => {
    await using cluster = new Cluster()
    const trunk = { keepAliveMs: 20, silenceMs: 60 }
    const a = await cluster.open('a', GROUPS, { trunk })
    // Says nothing for longer than the other end waits.
    const b = await cluster.open('b', GROUPS, { trunk: { keepAliveMs: 60_000, silenceMs: 90_000 } })
    await connectAll(a, b)
    await until('the silence', () => a.lost.length === 1)
    assert.is(a.lost[0].loss.reason, 'silent')
    await cluster.passes('the next link', () => a.attached.length === 2 && b.attached.length === 2)
  })
}

whenNative(() => {
  const test = suite('bridge connections')
  for (const add of [connecting, misuse, mending, redialling]) add(test)
  test.run()
})
