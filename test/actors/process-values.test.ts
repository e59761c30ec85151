import type { Ref, System } from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Settler } from './fixtures/settler.js'
import { assertSameClone } from './same-clone.js'
import { eventually, nextEvent, rejection, withSystem } from './support.js'

const test = suite('values between processes')

const on = { process: new URL('./fixtures/settler.js', import.meta.url) }

type SettlerRef = Ref<typeof Settler.protocol>

function settle(system: System, name: string, mailbox = {}): Promise<SettlerRef> {
  const restart = { max: 100, withinMs: 60_000 }
  return system.spawn(Settler, {}, { name, on, mailbox, restart })
}

/** What its own asker gets of a failure, and its asker in another process. */
async function failures(
  system: System,
  ref: SettlerRef,
  how: 'ours' | 'system' | 'range' | 'aggregate',
): Promise<KaitianError> {
  const restarted = how === 'ours' ? undefined : nextEvent(system, 'restarted')
  const error = await ref.ask.fail(how).catch((reason: unknown) => reason)
  await restarted
  assert.instance(error, KaitianError)
  return error as KaitianError
}

test(
  'values arrive as structured clones',
  withSystem(async (system) => {
    const p = await settle(system, 'p')
    const bytes = new Uint8Array([1, 2, 3])
    const shared = { n: -0 }
    const values = [
      new Float32Array([1.5, -0, NaN]),
      new BigInt64Array([-1n, 2n ** 62n]),
      new DataView(bytes.buffer, 1, 1),
      bytes.subarray(1),
      new Map<unknown, unknown>([
        [{ key: 1 }, new Set([1, 'a', undefined])],
        ['of maps', new Map([[NaN, null]])],
      ]),
      new Date(86_400_000),
      2n ** 80n,
      /re(g)ex/giu,
      Array(3),
      { shared, again: shared },
      'a lone \ud800 surrogate',
      new RangeError('an error'),
    ]
    const classes = await p.ask.classes(values)
    assert.equal(classes, [
      'Float32Array',
      'BigInt64Array',
      'DataView',
      'Uint8Array',
      'Map of Object,string',
      'Date',
      'bigint',
      'RegExp',
      'Array',
      'Object',
      'string',
      'RangeError',
    ])
    const back = await p.ask.echo(values)
    assertSameClone(back, structuredClone(values))
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    const round = (await p.ask.echo(cycle)) as typeof cycle
    assert.is(round.self, round)
  }),
)

test(
  'shared memory is refused by name, also as an answer; the next message goes',
  withSystem(async (system) => {
    const p = await settle(system, 'p')
    for (const value of [
      new SharedArrayBuffer(4),
      { in: [new Int8Array(new SharedArrayBuffer(1))] },
    ]) {
      const answer = p.ask.echo(value)
      const next = p.ask.echo('next')
      const error = await rejection(answer, 'MESSAGE_NOT_CLONEABLE')
      assert.match((error.cause as Error).message, 'SharedRegion')
      assert.is(await next, 'next')
    }
    assert.is(p.tell.note(new SharedArrayBuffer(4)), 'queued')
    const letter = (await nextEvent(system, 'dead-letter')) as { reason: string; message: string }
    assert.equal([letter.message, letter.reason], ['note', 'not-cloneable'])
  }),
)

test(
  'what is larger than a message may be is refused as such; those around it go',
  withSystem(async (system) => {
    const p = await settle(system, 'p')
    const around = [p.ask.echo('before')]
    const refused = p.ask.echo(new Uint8Array((64 << 20) + 1))
    around.push(p.ask.echo('behind'))
    const error = await rejection(refused, 'MESSAGE_TOO_LARGE')
    const { path, reason, byteLength, maxBytes } = error.fields
    assert.equal([path, reason, maxBytes], ['system/p', 'too-large', 64 << 20])
    assert.ok(Number(byteLength) > 64 << 20)
    assert.equal(await Promise.all(around), ['before', 'behind'])
    const letter = nextEvent(system, 'dead-letter')
    assert.is(p.tell.note(new Uint8Array((64 << 20) + 1)), 'queued')
    const dead = { to: 'system/p', kind: 'tell', message: 'note', reason: 'too-large', count: 1 }
    assert.equal(await letter, dead)
    // Twice as large as what came.
    const answer = p.ask.double(new Uint8Array(40 << 20))
    const tooLarge = await rejection(answer, 'MESSAGE_TOO_LARGE')
    assert.is(tooLarge.fields.maxBytes, 64 << 20)
    assert.is(((await p.ask.echo(new Uint8Array(40 << 20))) as Uint8Array).length, 40 << 20)
  }),
)

test(
  'A6 a flood of large messages is held to the mailbox, whoever floods',
  withSystem(async (system) => {
    const bytes = 1 << 20
    const p = await settle(system, 'p')
    const here = await system.spawn(Settler, {}, { name: 'here' })
    for (const [overflow, waiting] of [
      ['reject', 0],
      ['wait', 8],
    ] as const) {
      const sink = await settle(system, `sink that says ${overflow}`, { capacity: 8, overflow })
      let noted = 0
      for (const flooder of [p, here]) {
        await flooder.ask.askOther({ other: sink, value: 'hello' })
        const outcomes = await flooder.ask.flood({ other: sink, count: 200, bytes })
        const expected = { queued: 8, rejected: 192 - waiting, ...(waiting > 0 ? { waiting } : {}) }
        assert.equal(outcomes, expected)
        noted += 8 + waiting
        await eventually(async () => (await sink.ask.noted().catch(() => 0)) === noted)
      }
    }
  }),
)

test(
  'errors keep class, code, cause and fields',
  withSystem(async (system) => {
    const p = await settle(system, 'p')
    const ours = await failures(system, p, 'ours')
    assert.is(ours.code, 'BAD_TASK')
    assert.equal(ours.fields, { limit: 3 })
    assert.match(String(ours.stack), 'settler')
    const systemError = ours.cause as NodeJS.ErrnoException
    assert.equal(
      [systemError.message, systemError.code, systemError.errno, systemError.path],
      ['no such file', 'ENOENT', -2, '/x'],
    )
    const range = await failures(system, p, 'range')
    assert.is(range.code, 'ACTOR_FAILED')
    assert.instance(range.cause, RangeError)
    assert.instance((range.cause as Error).cause, SyntaxError)
    const aggregate = (await failures(system, p, 'aggregate')).cause as AggregateError
    assert.instance(aggregate, AggregateError)
    assert.instance(aggregate.errors[0], TypeError)
    assert.is((aggregate.errors[1] as { code: string }).code, 'ENOENT')
  }),
)

test.run()
