/**
 * CRC-32C (Castagnoli; RFC 3720, appendix B.4), with which TensorFlow's record files are checked: reflected polynomial 0x82f63b78,
 * all ones before and after. Node's zlib has only the CRC-32 of zip.
 */

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc
})

/** An unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8)
  return ~crc >>> 0
}
