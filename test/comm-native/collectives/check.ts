import type { Data } from '@kaitian/comm-native'
import { createHash } from 'node:crypto'
import { firstBeyond, hasBounds } from './bounds.js'
import { isReduction, type Seat } from './case.js'
import type { Wrong } from './cluster.js'
import { bitsOf, bytesOf, firstDifference, valuesOf } from './elements.js'
import type { Exchange, Outcome, Stretch } from './exchange.js'
import { inputBlock, part } from './inputs.js'
import { fold } from './reference.js'

/** Expectations are worked out in blocks, so that they need no memory of their own. */
const BLOCK = 16_384
/** Neighbouring cases expect the same; large ones go through more blocks than are kept. */
const KEPT = 96

/** One rank's own idea of results. */
export class Checker {
  readonly #seat: Seat
  readonly #inputs = new Map<string, Data>()
  readonly #results = new Map<string, Data | Wrong>()

  constructor(seat: Seat) {
    this.#seat = seat
  }

  /** The first thing that is wrong after a call. */
  check(exchange: Exchange): Wrong | undefined {
    for (const arena of exchange.arenas) {
      if (arena.intact()) continue
      return { what: 'memory beside a buffer', index: -1, expected: 'untouched', found: 'written' }
    }
    for (const outcome of exchange.outcomes) {
      for (const stretch of outcome.stretches) {
        const wrong = this.#checkStretch(exchange, outcome, stretch)
        if (wrong !== undefined) return wrong
      }
    }
    return undefined
  }

  #checkStretch(exchange: Exchange, outcome: Outcome, stretch: Stretch): Wrong | undefined {
    const { dtype } = exchange.given
    for (let done = 0; done < stretch.length; done += BLOCK) {
      const length = Math.min(BLOCK, stretch.length - done)
      const expected = this.#expected(exchange, stretch, stretch.from + done, length)
      if ('what' in expected) return expected
      const at = stretch.at + done
      const found = part(dtype, outcome.data, at, length)
      const wrong =
        stretch.of === 'all'
          ? firstDifference(dtype, expected, found)
          : bytesOf(expected).equals(bytesOf(found))
            ? -1
            : firstByte(expected, found)
      if (wrong !== -1) return describe(outcome.what, at, wrong, expected, found, exchange)
    }
    return undefined
  }

  #expected(exchange: Exchange, { of }: Stretch, from: number, length: number): Data | Wrong {
    if (of !== 'all') return this.#input(exchange, of, from, length)
    const { op, dtype, pattern, seed } = exchange.given
    const key = `${op} ${dtype} ${pattern} ${seed} ${from} ${length}`
    return remember(this.#results, key, () => this.#reduced(exchange, from, length))
  }

  /** What the ranks' inputs make, once it was found to be near enough to the truth. */
  #reduced(exchange: Exchange, from: number, length: number): Data | Wrong {
    const { op, dtype, pattern } = exchange.given
    const { groups, wire } = this.#seat
    const folding = { op, dtype, groups, wire }
    const parts = Array.from({ length: exchange.input.ranks }, (_, rank) =>
      this.#input(exchange, rank, from, length),
    )
    const result = fold(folding, parts)
    if (!hasBounds(dtype) || pattern === 'special') return result
    const beyond = firstBeyond(folding, parts, result, pattern !== 'random')
    if (beyond === -1) return result
    const found = String(valuesOf(dtype, result)[beyond])
    return { what: 'the bound', index: from + beyond, expected: 'a result within it', found }
  }

  #input({ input }: Exchange, rank: number, from: number, length: number): Data {
    const key = `${input.pattern} ${input.dtype} ${input.seed} ${rank} ${from} ${length}`
    return remember(this.#inputs, key, () => inputBlock(input, rank, from, length))
  }
}

function remember<T>(known: Map<string, T>, key: string, make: () => T): T {
  const found = known.get(key)
  if (found !== undefined) return found
  const made = make()
  if (known.size >= KEPT) known.delete(known.keys().next().value!)
  known.set(key, made)
  return made
}

/** Where bits are moved, they are all that counts. */
function firstByte(expected: Data, found: Data): number {
  const [one, other] = [bytesOf(expected), bytesOf(found)]
  return Math.floor(one.findIndex((byte, i) => byte !== other[i]) / expected.BYTES_PER_ELEMENT)
}

function describe(
  what: string,
  at: number,
  index: number,
  expected: Data,
  found: Data,
  { given: { dtype } }: Exchange,
): Wrong {
  const show = (data: Data): string =>
    `${String(valuesOf(dtype, data)[index])} (${bitsOf(data, index)})`
  return { what, index: at + index, expected: show(expected), found: show(found) }
}

/** A hash takes at most 2 GiB at a time. */
const HASHED = 1 << 30

/** Of what a rank has received; what others must have as well, for some collectives. */
export function digestOf({ given, outcomes: [first] }: Exchange): string {
  const hash = createHash('sha1')
  const bytes = bytesOf(first.data)
  for (let from = 0; from < bytes.length; from += HASHED) {
    hash.update(bytes.subarray(from, from + HASHED))
  }
  return `${isReduction(given.call) ? given.op : ''}${hash.digest('hex')}`
}
