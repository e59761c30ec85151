import { seededRandom } from '@kaitian/actors'

/**
 * The order of an epoch: a permutation of 0 … n − 1, u32 [n], the same on every
 * thread and machine. Shard k of the epoch is `[k·m, (k+1)·m)` of it.
 *
 * Fisher–Yates in Durstenfeld's form (doi:10.1145/364520.364540).
 */
export function permutation(seed: number, epoch: number, n: number): Uint32Array {
  const random = seededRandom(seed, 'permutation', epoch)
  const order = new Uint32Array(n)
  for (let i = 0; i < n; i++) order[i] = i
  for (let last = n - 1; last > 0; last--) {
    const other = random.integer(last + 1)
    const held = order[last]
    order[last] = order[other]
    order[other] = held
  }
  return order
}
