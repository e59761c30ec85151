import { chooseGroups } from '@kaitian/train'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('choose groups')
const GIB = 2 ** 30

/** As it would be written on the command line, and why. */
function chosen(cores: number, memory: number, shards = 100, stateSize = 1e5): string {
  const { groups, reason } = chooseGroups({ cores, memory }, { shards, stateSize })
  const [{ name, engine, devices }] = groups
  assert.equal([groups.length, name, engine], [1, 'cpu', 'tfjs'])
  assert.equal(
    devices,
    [...devices.keys()].map((ordinal) => `cpu:${ordinal}`),
  )
  assert.is(
    reason.split(', ')[0],
    `cpu=tfjs@cpu${devices.length === 1 ? '' : `*${devices.length}`}`,
  )
  return `${devices.length}: ${reason.split(', ')[1]}`
}

test('a device for each core, unless memory or the batch has no use for so many', () => {
  assert.is(chosen(1, 8 * GIB), '1: a device for each core')
  assert.is(chosen(8, 64 * GIB), '8: a device for each core')
  assert.is(chosen(64, 4 * GIB), '11: as many devices as memory has room for')
  assert.is(chosen(64, 64 * GIB, 16), '16: a device for each shard of a step')
})

test('a large model leaves room for fewer', () => {
  // 100 million weights: 2.4 GB in six copies.
  assert.is(chosen(8, 16 * GIB, 100, 1e8), '4: as many devices as memory has room for')
})

test('there is always one', () => {
  assert.match(chosen(4, 1000), /^1: /)
  assert.match(chosen(4, 8 * GIB, 1), /^1: /)
})

test.run()
