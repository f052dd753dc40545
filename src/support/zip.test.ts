import { strToU8, zipSync } from 'fflate'
import { describe, expect, it, test } from 'vitest'
import { checkZipDirectory, unzipChecked } from './zip.ts'

const zip = () => Buffer.from(zipSync({ 'a.npy': Uint8Array.of(1, 2), b: new Uint8Array(0) }))

describe('checkZipDirectory', () => {
  it('takes a zip as it is written', () => {
    expect(() => checkZipDirectory(zip())).not.toThrow()
    expect(() => checkZipDirectory(Buffer.concat([Buffer.from('stub'), zip().subarray(0)]))).not.toThrow()
  })

  it('refuses more entries than there is room for', () => {
    const bytes = zip()
    bytes.writeUInt16LE(0xfffe, bytes.length - 22 + 8)
    expect(() => checkZipDirectory(bytes)).toThrow(/no room for the 65534 entries/)
  })

  it('refuses four billion entries of a zip64', () => {
    const bytes = zip()
    const end64 = Buffer.alloc(56 + 20)
    end64.writeUInt32LE(0x06064b50)
    end64.writeUInt32LE(0xffffffff, 32)
    const end = Buffer.from(bytes.subarray(bytes.length - 22))
    end.writeUInt16LE(0xffff, 8)
    const head = bytes.subarray(0, bytes.length - 22)
    end64.writeUInt32LE(head.length, 56 + 8) // the locator, 20 bytes before the end record
    expect(() => checkZipDirectory(Buffer.concat([head, end64, end]))).toThrow(/no room for the 4294967295 entries/)
  })

  it('refuses what is no zip', () => {
    expect(() => checkZipDirectory(new Uint8Array(0))).toThrow(/no directory/)
    expect(() => checkZipDirectory(new Uint8Array(1e6))).toThrow(/no directory/)
  })
})

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
