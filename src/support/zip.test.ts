import { strToU8, zipSync } from 'fflate'
import { expect, test } from 'vitest'
import { unzipChecked } from './zip.ts'

const CONTENT = { 'depth.npy': strToU8('metres '.repeat(40)), 'é.txt': strToU8('x') }

test.each([0, 6] as const)('entries are unpacked, level %i', (level) => {
  expect(unzipChecked(zipSync(CONTENT, { level }), () => true)).toEqual(CONTENT)
  expect(Object.keys(unzipChecked(zipSync(CONTENT, { level }), ({ name }) => name === 'é.txt'))).toEqual(['é.txt'])
})

test('a flipped bit in what is stored shows', () => {
  const bytes = zipSync(CONTENT, { level: 0 })
  const at = Buffer.from(bytes).indexOf('metres')
  for (const bit of [0, 3, 1000]) {
    const flipped = Uint8Array.from(bytes)
    flipped[at + (bit >> 3)] ^= 1 << (bit & 7)
    expect(() => unzipChecked(flipped, () => true)).toThrow('the CRC of depth.npy is wrong')
  }
})

test('a flipped bit in the CRC itself shows, and so does a directory that is cut off', () => {
  const bytes = zipSync(CONTENT, { level: 0 })
  const directory = Buffer.from(bytes).indexOf(Buffer.from([0x50, 0x4b, 1, 2]))
  const flipped = Uint8Array.from(bytes)
  flipped[directory + 16] ^= 1
  expect(() => unzipChecked(flipped, () => true)).toThrow('CRC')
  expect(() => unzipChecked(bytes.subarray(0, directory), () => true)).toThrow()
})
