import {
  createSystem,
  protocol,
  tell,
  type Handlers,
  type Placement,
  type Ref,
} from '@kaitian/actors'
import type { Region } from '@kaitian/comm-native'
import type { ErrorRecord } from '@kaitian/errors'
import { Bridge, ExchangeReplyProtocol } from '@kaitian/train/bridge'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { failure, SECRET } from './cluster.js'

const test = suite('bridge actor')
const GROUPS = ['a', 'b']
const THREAD: Placement = { thread: new URL(import.meta.resolve('@kaitian/train/bridge')) }

interface Outcome {
  readonly generation: number
  readonly sequence: number
  readonly error?: ErrorRecord
}

/** Outcomes in the order in which an inbox heard them. */
const heard = new Map<string, { outcomes: Outcome[]; wake: () => void }>()

class Inbox implements Handlers<typeof ExchangeReplyProtocol> {
  static readonly protocol = ExchangeReplyProtocol
  readonly #name: string

  constructor(name: string) {
    this.#name = name
    heard.set(name, { outcomes: [], wake: () => {} })
  }

  exchanged(outcome: Outcome): void {
    const box = heard.get(this.#name)!
    box.outcomes.push(outcome)
    box.wake()
  }
}

async function outcomes(name: string, count: number): Promise<readonly Outcome[]> {
  const box = heard.get(name)!
  while (box.outcomes.length < count) {
    await new Promise<void>((resolve) => (box.wake = resolve))
  }
  return box.outcomes
}

function region(name: string, values: Float32Array): Region {
  // the aligned part starts somewhere inside, as a device context's does
  const byteOffset = 48
  const buffer = new SharedArrayBuffer(byteOffset + values.byteLength)
  new Float32Array(buffer, byteOffset).set(values)
  return { name, buffer, byteOffset, byteLength: values.byteLength }
}

const valuesOf = ({ buffer, byteOffset, byteLength }: Region): number[] => [
  ...new Float32Array(buffer, byteOffset, byteLength / 4),
]

/** Two bridges that know each other, and an inbox for each. */
async function openBridges(on: Placement) {
  const system = createSystem({ name: 'bridges' })
  const bridges = await Promise.all(
    GROUPS.map((group) => {
      const args = { group, groups: GROUPS, secret: SECRET, host: '127.0.0.1', port: 0 }
      return system.spawn(Bridge, { ...args, deadlineMs: 20_000 }, { name: group, on })
    }),
  )
  const inboxes = await Promise.all(
    GROUPS.map((group) => system.spawn(Inbox, group, { name: `inbox-${group}` })),
  )
  const addresses = await Promise.all(bridges.map((bridge) => bridge.ask.open()))
  const peers = addresses.map((address, rank) => ({ group: GROUPS[rank], ...address }))
  await Promise.all(bridges.map((bridge) => bridge.ask.connect({ peers })))
  return { system, bridges, inboxes }
}

for (const [where, on] of [
  ['inline', 'inline'],
  ['each in a thread', THREAD],
] as const) {
  test(`two bridges, ${where}, reduce regions; exchanges overlap`, async () => {
    const { system, bridges, inboxes } = await openBridges(on)
    await using _ = system
    await Promise.all(bridges.map((bridge) => bridge.ask.begin({ generation: 1, order: GROUPS })))
    const mine = [
      region('gradient', Float32Array.of(1, 2, 3, 4)),
      region('gradient', Float32Array.of(10, 20, 30, 40)),
    ]
    const into = GROUPS.map(() => region('result', new Float32Array(4)))
    const common = { generation: 1, dtype: 'f32' } as const
    const buckets = [
      { sequence: 0, offset: 2, count: 2 },
      { sequence: 1, offset: 0, count: 2 },
    ]
    // both are told before the other group has begun the first
    bridges.forEach((bridge, rank) => {
      for (const bucket of buckets) {
        const place = { mine: mine[rank], into: into[rank], reply: inboxes[rank] }
        assert.is(bridge.tell.exchange({ ...common, ...bucket, ...place }), 'queued')
      }
    })
    for (const group of GROUPS) {
      assert.equal(await outcomes(group, 2), [
        { generation: 1, sequence: 0 },
        { generation: 1, sequence: 1 },
      ])
    }
    for (const result of into) assert.equal(valuesOf(result), [11, 22, 33, 44])
  })
}

test('an abort overtakes the exchange that waits, and its reason comes back', async () => {
  const { system, bridges, inboxes } = await openBridges('inline')
  await using _ = system
  await Promise.all(bridges.map((bridge) => bridge.ask.begin({ generation: 1, order: GROUPS })))
  const [a, b] = bridges
  const own = region('gradient', new Float32Array(2))
  a.tell.exchange({
    generation: 1,
    sequence: 0,
    dtype: 'f32',
    offset: 0,
    count: 2,
    mine: own,
    into: own,
    reply: inboxes[0],
  })
  b.tell.abort({ generation: 1, cause: 'a device of b died' })
  const [{ error }] = await outcomes('a', 1)
  assert.is(error?.code, 'COMMUNICATOR_ABORTED')
  assert.match(String(error?.message), /a device of b died/)
})

test('what does not fit a region is refused by name', async () => {
  const { system, bridges, inboxes } = await openBridges('inline')
  await using _ = system
  const own = region('gradient', new Float32Array(2))
  const message = {
    generation: 1,
    sequence: 0,
    dtype: 'f32',
    count: 2,
    mine: own,
    into: own,
  } as const
  bridges[0].tell.exchange({ ...message, offset: 1, reply: inboxes[0] })
  const [{ error }] = await outcomes('a', 1)
  assert.is(error?.code, 'BAD_ARGUMENT')
  assert.match(String(error?.message), /"gradient"/)
})

test('refusals are answers: the bridge lives on', async () => {
  const { system, bridges } = await openBridges('inline')
  await using _ = system
  const [a] = bridges
  const error = await failure(a.ask.begin({ generation: 1, order: ['b'] }))
  assert.is(error.code, 'BAD_ARGUMENT')
  await a.ask.begin({ generation: 1, order: ['a'] })
})

test('a bridge that is not open says so; a taken port too', async () => {
  const system = createSystem({ name: 'bridges' })
  await using _ = system
  const args = { group: 'a', groups: GROUPS, secret: SECRET, host: '127.0.0.1', deadlineMs: 1000 }
  const first = await system.spawn(Bridge, { ...args, port: 0 })
  assert.match((await failure(first.ask.begin({ generation: 1, order: ['a'] }))).message, /open/)
  const { port } = await first.ask.open()
  assert.is((await first.ask.open()).port, port, 'open twice is the same port')
  const second = await system.spawn(Bridge, { ...args, port })
  assert.is((await failure(second.ask.open())).code, 'PORT_IN_USE')
})

test('any actor that understands `exchanged` may ask, whatever else it understands', () => {
  const wider = protocol({ ...ExchangeReplyProtocol, other: tell<number>() })
  const accepted = (ref: Ref<typeof wider>): Ref<typeof ExchangeReplyProtocol> => ref
  assert.type(accepted, 'function')
})

test.run()
