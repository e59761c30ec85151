import {
  allocateSamples,
  dataSetOf,
  normalisation,
  packImage,
  variationOf,
  type Samples,
} from '@kaitian/train/data'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('data/augment')

const HEIGHT = 6
const WIDTH = 5
const CHANNELS = 3

/** Every byte says where it came from. */
function numbered(count: number): Samples {
  const raw = allocateSamples(count, [HEIGHT, WIDTH, CHANNELS])
  raw.pixels.forEach((_, i) => (raw.pixels[i] = (i * 7) % 251))
  return dataSetOf('numbered', 1, raw, raw).train
}

/** The definition, one value at a time: mirror, pad with the mean colour, cut, normalise. */
function expected(samples: Samples, id: number, variation: ReturnType<typeof variationOf>) {
  const values: number[] = []
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const fromY = y + variation.top
      const shifted = x + variation.left
      const fromX = variation.mirror ? WIDTH - 1 - shifted : shifted
      const inside = fromY >= 0 && fromY < HEIGHT && fromX >= 0 && fromX < WIDTH
      for (let c = 0; c < CHANNELS; c++) {
        const byte = samples.pixels[((id * HEIGHT + fromY) * WIDTH + fromX) * CHANNELS + c]
        const value = (byte / 255 - samples.mean[c]) / samples.deviation[c]
        values.push(inside ? Math.fround(value) : 0)
      }
    }
  }
  return values
}

test('a packed image is the image mirrored, shifted and normalised', () => {
  const samples = numbered(4)
  const table = normalisation(samples)
  const variation = fc.record({
    top: fc.integer({ min: -3, max: 3 }),
    left: fc.integer({ min: -3, max: 3 }),
    mirror: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3 }), variation, (id, how) => {
      const out = new Float32Array(10 + HEIGHT * WIDTH * CHANNELS + 10).fill(99)
      packImage(samples, id, how, table, out, 10)
      assert.equal([...out.subarray(10, out.length - 10)], expected(samples, id, how))
      const around = [...out.subarray(0, 10), ...out.subarray(-10)]
      assert.ok(
        around.every((value) => value === 99),
        'writes nothing beside its place',
      )
    }),
    { seed: 3, numRuns: 100 },
  )
})

test('without augmentation an image stays as it is', () => {
  assert.equal(variationOf(1, 2, 3, undefined), { top: 0, left: 0, mirror: false })
  const { top, left, mirror } = variationOf(1, 2, 3, { crop: 0, flip: false })
  assert.equal([top, left, mirror], [0, 0, false])
})

test('a variation depends on seed, epoch and sample, and on each of them', () => {
  const augmentation = { crop: 100, flip: true }
  const of = (seed: number, epoch: number, id: number) =>
    JSON.stringify(variationOf(seed, epoch, id, augmentation))
  assert.is(of(1, 2, 3), of(1, 2, 3))
  const seen = new Set<string>()
  for (let k = 0; k < 100; k++)
    seen
      .add(of(k, 0, 0))
      .add(of(0, k, 0))
      .add(of(0, 0, k))
  seen.add(of(2 ** 32, 0, 0)).add(of(2 ** 33, 0, 0))
  // (0, 0, 0) is in it three times; of 80,802 variations a chance repeat or two is no fault.
  assert.ok(seen.size > 295, `${seen.size} different of 300`)
})

test('offsets cover −crop … crop evenly and half of the images are mirrored', () => {
  const crop = 4
  const tops = new Map<number, number>()
  const lefts = new Map<number, number>()
  let mirrored = 0
  const n = 9 * 2000
  for (let id = 0; id < n; id++) {
    const { top, left, mirror } = variationOf(7, 0, id, { crop, flip: true })
    tops.set(top, (tops.get(top) ?? 0) + 1)
    lefts.set(left, (lefts.get(left) ?? 0) + 1)
    mirrored += Number(mirror)
  }
  for (const seen of [tops, lefts]) {
    assert.equal(
      [...seen.keys()].toSorted((a, b) => a - b),
      [-4, -3, -2, -1, 0, 1, 2, 3, 4],
    )
    // Five standard deviations of a binomial count with mean 2,000.
    for (const count of seen.values()) assert.ok(Math.abs(count - 2000) < 5 * 42.2, String(count))
  }
  assert.ok(Math.abs(mirrored - n / 2) < 5 * 67.1, String(mirrored))
})

test.run()
