type View = Float32Array | BigInt64Array

export function sameBits(one: View, other: View): boolean {
  return bytesOf(one).equals(bytesOf(other))
}

function bytesOf(view: View): Buffer {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength)
}
