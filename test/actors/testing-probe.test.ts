import { KaitianError } from '@kaitian/errors'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { TallyProtocol } from './fixtures/tally.js'
import { outcomeOf, simulated, snapshotOf } from './simulated.js'
import { rejection } from './support.js'

const test = suite('testing, probe')

test(
  'a probe shows what it got, and answers asks as the test says',
  simulated(async (system) => {
    const probe = await system.probe(TallyProtocol)
    probe.ref.tell.add(3)
    const drawn = probe.ref.ask.draw()
    const { message, payload } = await probe.expect('add')
    assert.equal({ message, payload }, { message: 'add', payload: 3 })
    const draw = await probe.expect('draw')
    draw.reply(42)
    assert.is(await drawn, 42)
    assert.equal(
      probe.received.map((each) => each.message),
      ['add', 'draw'],
    )
  }),
)

test(
  'A3 a refused ask rejects with the error that the test gave',
  simulated(async (system) => {
    const probe = await system.probe(TallyProtocol)
    const added = rejection(probe.ref.ask.added(), 'DATA_MISSING')
    const ask = await probe.expect('added')
    ask.refuse(new KaitianError('DATA_MISSING', 'nothing there'))
    assert.is((await added).message, 'nothing there')
    assert.is((await snapshotOf(system, probe.ref)).state, 'idle')
  }),
)

test(
  'to answer or refuse a tell changes nothing',
  simulated(async (system) => {
    const rejections: unknown[] = []
    const note = (error: unknown): void => void rejections.push(error)
    process.on('unhandledRejection', note)
    const probe = await system.probe(TallyProtocol)
    probe.ref.tell.add(1)
    probe.ref.tell.add(2)
    const one = await probe.expect('add')
    one.reply(1)
    const two = await probe.expect('add')
    two.refuse(new KaitianError('DATA_MISSING', 'nothing there'))
    await system.settle()
    process.off('unhandledRejection', note)
    assert.equal(rejections, [])
  }),
)

test(
  'expect refuses another message and silence, and skips nothing',
  simulated(async (system) => {
    const probe = await system.probe(TallyProtocol, 'till')
    const silence = await rejection(probe.expect('add'), 'BAD_ARGUMENT')
    assert.match(silence.message, 'test/till expected "add", but nothing came')
    probe.ref.tell.add(1)
    const other = await rejection(probe.expect('keep'), 'BAD_ARGUMENT')
    assert.match(other.message, 'expected "keep", but "add" came')
    assert.is((await probe.expect('add')).payload, 1)
    await rejection(probe.expect('add'), 'BAD_ARGUMENT')
  }),
)

test(
  'expectNothing refuses what has come and was not looked at',
  simulated(async (system) => {
    const probe = await system.probe(TallyProtocol)
    await probe.expectNothing()
    probe.ref.tell.add(1)
    const error = await rejection(probe.expectNothing(), 'BAD_ARGUMENT')
    assert.match(error.message, 'expected nothing; "add" came')
    await probe.expect('add')
    await probe.expectNothing()
  }),
)

test(
  'A1 a probe takes no message while an ask waits for the test',
  simulated(async (system) => {
    const probe = await system.probe(TallyProtocol)
    const drawn = outcomeOf(probe.ref.ask.draw())
    probe.ref.tell.add(1)
    const draw = await probe.expect('draw')
    await probe.expectNothing()
    draw.reply(1)
    await probe.expect('add')
    assert.equal(drawn, { value: 1 })
  }),
)

test(
  'a probe has no flows, and says so to who opens one',
  simulated(async (system) => {
    const probe = await system.probe(TallyProtocol)
    await rejection(probe.ref.flow.steps(3).next(), 'UNKNOWN_MESSAGE')
    assert.is((await snapshotOf(system, probe.ref)).state, 'idle')
  }),
)

test(
  'probes without a name are numbered, and faults apply to them too',
  simulated(async (system) => {
    const [one, two] = [await system.probe(TallyProtocol), await system.probe(TallyProtocol)]
    assert.equal([one.ref.path, two.ref.path], ['test/probe-1', 'test/probe-2'])
    system.faults.dropNext(two.ref)
    two.ref.tell.add(1)
    two.ref.tell.add(2)
    assert.is((await two.expect('add')).payload, 2)
  }),
)

test.run()
