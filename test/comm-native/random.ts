/** A seeded stream (splitmix32), so that a failing case can be run again. */
export function seeded(seed: number): {
  next(): number
  normal(): number
  integer64(): bigint
  bits32(): number
} {
  let state = seed >>> 0
  const bits32 = (): number => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return (mixed ^ (mixed >>> 15)) >>> 0
  }
  const next = (): number => bits32() / 2 ** 32
  return {
    bits32,
    next,
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    integer64: () => BigInt.asIntN(64, (BigInt(bits32()) << 32n) | BigInt(bits32())),
  }
}
