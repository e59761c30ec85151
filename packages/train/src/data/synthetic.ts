import { seededRandom, type Random } from '@kaitian/actors'
import { allocateSamples, dataSetOf, type DataSet, type RawSamples } from './dataset.js'
import { PATTERNS, type Placement } from './patterns.js'

const SIDE = 32
const CHANNELS = 3
/** Least distance between the two colours of an image, summed over the channels. */
const CONTRAST = 160
/** Peak of the pixel noise, grey levels. */
const NOISE = 30

/**
 * Ten classes of textured 32 × 32 colour images, made up on the spot: a data
 * set for when there is none on disk. The class is the pattern; colours (either
 * may be the lighter one), period, phase, place, size, lighting and noise are
 * drawn per image, so that the mean image says little about the class and a
 * linear classifier does badly, while small convolutions do well. Every class
 * survives mirroring and cropping.
 *
 * The same pixels on every machine: sample i depends on (seed, half, i) alone,
 * and everything after the draws is integer arithmetic or `Math.sqrt`, which
 * IEEE 754 rounds in one way only.
 *
 * @param train samples of the training half; `test` of the other
 */
export function synthesiseImages(options: {
  readonly seed: number
  readonly train: number
  readonly test: number
}): DataSet {
  const train = half(options.seed, 'train', options.train)
  const test = half(options.seed, 'test', options.test)
  return dataSetOf('synthetic', PATTERNS.length, train, test)
}

function half(seed: number, name: string, count: number): RawSamples {
  const samples = allocateSamples(count, [SIDE, SIDE, CHANNELS])
  for (let i = 0; i < count; i++) {
    // Classes in turn, so that each has its share; the epoch's permutation mixes them.
    const label = i % PATTERNS.length
    samples.labels[i] = label
    draw(
      samples.pixels,
      i * SIDE * SIDE * CHANNELS,
      label,
      seededRandom(seed, 'synthetic', name, i),
    )
  }
  return samples
}

/** Paints one image at `at`. */
function draw(pixels: Uint8Array, at: number, label: number, random: Random): void {
  const [background, foreground] = colours(random)
  const patch = patchOf(random)
  const cover = PATTERNS[label](place(random, patch))
  const slopeX = random.integer(5) - 2
  const slopeY = random.integer(5) - 2
  let noise = random.integer(0x7fffffff) + 1
  let to = at
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const inside = x >= patch.left && x < patch.right && y >= patch.top && y < patch.bottom
      const covered = inside ? cover(x, y) : 0
      const light = slopeX * (x - SIDE / 2) + slopeY * (y - SIDE / 2)
      noise = xorshift(noise)
      for (let channel = 0; channel < CHANNELS; channel++) {
        const from = background[channel]
        const colour = from + (((foreground[channel] - from) * covered) >> 8)
        pixels[to++] = clamp(colour + light + grain(noise >>> (channel * 10)))
      }
    }
  }
}

/** Part of the image that shows the pattern, half-open in both directions. */
interface Patch {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

function patchOf(random: Random): Patch {
  const width = 20 + random.integer(SIDE - 20 + 1)
  const height = 20 + random.integer(SIDE - 20 + 1)
  const left = random.integer(SIDE - width + 1)
  const top = random.integer(SIDE - height + 1)
  return { left, right: left + width, top, bottom: top + height }
}

function place(random: Random, patch: Patch): Placement {
  return {
    centreX: ((patch.left + patch.right) >> 1) + random.integer(5) - 2,
    centreY: ((patch.top + patch.bottom) >> 1) + random.integer(5) - 2,
    period: 5 + random.integer(4),
    phaseX: random.integer(1024),
    phaseY: random.integer(1024),
    tilt: random.integer(3) - 1,
    rising: random.integer(2) === 1,
  }
}

/** Two colours far enough apart; redrawn until they are, which takes two draws at the worst in most images. */
function colours(random: Random): [number[], number[]] {
  for (;;) {
    const background = [level(random), level(random), level(random)]
    const foreground = [level(random), level(random), level(random)]
    const distance = background.reduce((sum, value, i) => sum + Math.abs(value - foreground[i]), 0)
    if (distance >= CONTRAST) return [background, foreground]
  }
}

function level(random: Random): number {
  return 30 + random.integer(196)
}

/** Triangular noise in [−NOISE, NOISE] out of the low 10 bits: two uniform draws of 5 bits. */
function grain(bits: number): number {
  return ((((bits & 31) + ((bits >> 5) & 31) - 31) * NOISE) / 31) | 0
}

/** Marsaglia's 32-bit xorshift (doi:10.18637/jss.v008.i14): one draw feeds all three channels of a pixel. */
function xorshift(state: number): number {
  let bits = state
  bits ^= bits << 13
  bits ^= bits >>> 17
  bits ^= bits << 5
  return bits
}

function clamp(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value
}
