import { zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { checkZipDirectory } from './zip.ts'

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
