/** Structured mutations: what breaks parsers is rarely noise, more often a wrong length, a repeated part or an extreme number. */
import type { Random } from '../../src/support/random.ts'

const EXTREMES = [
  0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
] as const
const TOKENS = [
  '-1',
  '1e9',
  '0.5',
  '99999999999999999999',
  'NaN',
  '{',
  '[',
  '"',
  "'",
  '(',
  ',',
  '\0',
  '/',
  '//',
  ' ',
  '\n',
  '=',
]
const MOST = 2 ** 20

/** A variant of one of the seeds, a function of the random numbers alone. */
export function mutated(seeds: readonly Uint8Array[], random: Random): Uint8Array {
  let bytes: Buffer = Buffer.from(seeds[random.integer(0, seeds.length)])
  for (let n = random.integer(1, 6); n > 0; n--) bytes = once(bytes, seeds, random)
  return bytes.subarray(0, MOST)
}

function once(bytes: Buffer, seeds: readonly Uint8Array[], random: Random): Buffer {
  const at = random.integer(0, bytes.length + 1)
  const end = Math.min(bytes.length, at + random.integer(1, 64))
  switch (random.integer(0, 9)) {
    case 0: // a bit
      if (at < bytes.length) bytes[at] ^= 1 << random.integer(0, 8)
      return bytes
    case 1: // a byte
      if (at < bytes.length) bytes[at] = random.integer(0, 256)
      return bytes
    case 2: // a number of 1, 2 or 4 bytes, in either order
      return extreme(bytes, at, random)
    case 3: // the end
      return bytes.subarray(0, at)
    case 4: // without a part
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)])
    case 5: {
      // a part many times
      const part = bytes.subarray(at, end)
      return Buffer.concat([
        bytes.subarray(0, end),
        ...Array(random.integer(1, 2000)).fill(part),
        bytes.subarray(end),
      ]).subarray(0, MOST)
    }
    case 6: // a token
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(TOKENS[random.integer(0, TOKENS.length)]),
        bytes.subarray(at),
      ])
    case 7: {
      // a token many times
      const token = TOKENS[random.integer(0, TOKENS.length)].repeat(random.integer(1, 50_000))
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(token), bytes.subarray(at)])
    }
    default: {
      // a part of another seed
      const other = Buffer.from(seeds[random.integer(0, seeds.length)])
      const from = random.integer(0, other.length + 1)
      return Buffer.concat([bytes.subarray(0, at), other.subarray(from, from + 200), bytes.subarray(end)])
    }
  }
}

function extreme(bytes: Buffer, at: number, random: Random): Buffer {
  const value = EXTREMES[random.integer(0, EXTREMES.length)]
  const size = [1, 2, 4][random.integer(0, 3)]
  if (at + size > bytes.length) return bytes
  const cut = size === 4 ? value : value & (2 ** (8 * size) - 1)
  if (random.integer(0, 2) === 0) bytes.writeUIntLE(cut, at, size)
  else bytes.writeUIntBE(cut, at, size)
  return bytes
}
