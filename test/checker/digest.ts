/** Of both sums: what counts on from element to element in the state, and in the velocity. */
const keys = [
  [0x9e3779b1n, 0x85ebca6bn],
  [0xc2b2ae35n, 0x27d4eb2fn],
]
const word = 0xffffffffn

/** Sums over all elements, modulo 2^64, of a product of 32 bits by 32, in hexadecimal. */
export function digestOf(state: Float32Array, velocity: Float32Array): string {
  const [states, velocities] = [bits(state), bits(velocity)]
  const sums = keys.map(([stateKey, velocityKey]) => {
    let sum = 0n
    let stateCount = 0n
    let velocityCount = 0n
    for (const [index, value] of states.entries()) {
      stateCount = (stateCount + stateKey) & word
      velocityCount = (velocityCount + velocityKey) & word
      const beside = index < velocities.length ? BigInt(velocities[index]) : 0n
      sum += ((BigInt(value) + stateCount) & word) * ((beside + velocityCount) & word)
    }
    return BigInt.asUintN(64, sum)
  })
  return sums.map((sum) => sum.toString(16).padStart(16, '0')).join('')
}

function bits(values: Float32Array): Uint32Array {
  return new Uint32Array(Float32Array.from(values).buffer)
}
