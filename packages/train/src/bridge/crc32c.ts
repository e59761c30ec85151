/**
 * CRC-32C (RFC 3720, appendix B.4) by table, one byte at a time (Sarwate, "Computation of cyclic
 * redundancy checks via table look-up", doi:10.1145/63030.63037). Only handshakes are checked
 * here, a few hundred bytes each; chunks are the native core's.
 */
const POLYNOMIAL = 0x82f63b78
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0)
  return crc
})

/** Of the pieces, as if they were one. */
export function crc32c(...pieces: readonly Uint8Array[]): number {
  let crc = 0xffffffff
  for (const piece of pieces) {
    for (const byte of piece) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff]
  }
  return ~crc >>> 0
}
