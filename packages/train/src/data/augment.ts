import type { Samples } from './dataset.js'

/** What may be done to a training image. */
export interface Augmentation {
  /** Pixels of padding on each side, out of which a window of the old size is cut; 0: no crop. */
  readonly crop: number
  /** Mirror every other image left to right. */
  readonly flip: boolean
}

/** What is done to one image in one epoch. */
export interface Variation {
  /** The output's (0, 0) is the input's (top, left); each in [−crop, crop]. */
  readonly top: number
  readonly left: number
  readonly mirror: boolean
}

const UNCHANGED: Variation = { top: 0, left: 0, mirror: false }

/**
 * How sample `id` is varied in `epoch`. A function of its arguments alone, so
 * it does not matter who packs the sample, when, or how often.
 */
export function variationOf(
  seed: number,
  epoch: number,
  id: number,
  augmentation: Augmentation | undefined,
): Variation {
  if (augmentation === undefined) return UNCHANGED
  const key = mix(mix(mix(mix(seed / 2 ** 32) ^ seed) ^ epoch) ^ id)
  const span = 2 * augmentation.crop + 1
  // Disjoint bits for each choice: 15 for either offset, the topmost for the mirror.
  return {
    top: (((key & 0x7fff) * span) >>> 15) - augmentation.crop,
    left: ((((key >>> 15) & 0x7fff) * span) >>> 15) - augmentation.crop,
    mirror: augmentation.flip && key >>> 31 === 1,
  }
}

/** Bijective avalanche of 32 bits (MurmurHash3's finaliser), offset so that 0 does not stay 0. */
function mix(value: number): number {
  let bits = (value + 0x9e3779b9) | 0
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}

/** f32 of every byte, per channel: [channel · 256 + byte] = (byte / 255 − mean) / deviation. */
export function normalisation(samples: Pick<Samples, 'mean' | 'deviation'>): Float32Array {
  const table = new Float32Array(samples.mean.length * 256)
  for (let channel = 0; channel < samples.mean.length; channel++) {
    for (let byte = 0; byte < 256; byte++) {
      const centred = byte / 255 - samples.mean[channel]
      table[channel * 256 + byte] = centred / samples.deviation[channel]
    }
  }
  return table
}

/**
 * Writes one image, varied and normalised, to `out[at …]`, f32 [h, w, c].
 * What the window shows beyond the image's edge is 0, the training set's mean colour.
 */
export function packImage(
  samples: Samples,
  id: number,
  variation: Variation,
  table: Float32Array,
  out: Float32Array,
  at: number,
): void {
  const [height, width, channels] = samples.shape
  const { top, left, mirror } = variation
  const image = id * height * width * channels
  let to = at
  for (let y = 0; y < height; y++) {
    const fromY = y + top
    if (fromY < 0 || fromY >= height) {
      out.fill(0, to, to + width * channels)
      to += width * channels
      continue
    }
    const row = image + fromY * width * channels
    for (let x = 0; x < width; x++) {
      const fromX = mirror ? width - 1 - x - left : x + left
      const inside = fromX >= 0 && fromX < width
      const pixel = row + fromX * channels
      for (let channel = 0; channel < channels; channel++) {
        out[to++] = inside ? table[channel * 256 + samples.pixels[pixel + channel]] : 0
      }
    }
  }
}
