import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { DarError } from '../support/errors.ts'
import { decodeNpy, encodeNpy } from './npy.ts'

const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../test/fixtures/image/${name}.npy`, import.meta.url)))
const arrays: [name: string, shape: number[]][] = [
  ['2d', [3, 5]],
  ['1d', [7]],
  ['0d', []],
  ['3d', [2, 3, 4]],
  ['empty', [0, 4]],
  ['two_digits', [12, 1]],
]
const ramp = (shape: number[]) => Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i / 4 - 1)

/** A version 1 file with any header. */
function file(header: string, data = new Uint8Array(16)): Uint8Array {
  const text = new TextEncoder().encode(header)
  return Uint8Array.of(
    0x93,
    ...new TextEncoder().encode('NUMPY'),
    1,
    0,
    text.length & 255,
    text.length >> 8,
    ...text,
    ...data,
  )
}

describe('npy', () => {
  it.each(arrays)('writes the bytes that numpy writes, %s', (name, shape) => {
    expect(encodeNpy(ramp(shape), shape)).toEqual(fixture(name))
  })

  it.each(arrays)('reads what numpy wrote, %s', (name, shape) => {
    expect(decodeNpy(fixture(name))).toEqual({ shape, data: ramp(shape) })
  })

  it('keeps every float: NaN, infinities, the smallest and the largest', () => {
    const data = Float32Array.of(Number.NaN, Infinity, -Infinity, 1e-45, 3.4028234663852886e38, -0)
    expect(decodeNpy(encodeNpy(data, [2, 3])).data).toEqual(data)
  })

  it('reads from the middle of a larger buffer and with big-endian values', () => {
    const bytes = encodeNpy(Float32Array.of(1.5), [1])
    const shifted = new Uint8Array(bytes.length + 3)
    shifted.set(bytes, 3)
    expect([...decodeNpy(shifted.subarray(3)).data]).toEqual([1.5])
    const big = file("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }\n", Uint8Array.of(0x3f, 0xc0, 0, 0))
    expect([...decodeNpy(big).data]).toEqual([1.5])
  })

  it.each([
    ['not a .npy file', new Uint8Array(20), 'is not a .npy file'],
    ['an empty file', new Uint8Array(0), 'is not a .npy file'],
    ['a future version', fixture('2d').map((byte, i) => (i === 6 ? 9 : byte)), 'version 9'],
    ['a cut header', fixture('2d').subarray(0, 40), 'ends inside its header'],
    ['cut data', fixture('2d').subarray(0, -1), 'has 59 bytes of data where shape [3,5] needs 60'],
    ['bytes left over', Uint8Array.of(...fixture('1d'), 0), 'has 29 bytes'],
    ['complex numbers', file("{'descr': '<c8', 'fortran_order': False, 'shape': (2,), }"), 'holds <c8, not plain'],
    ['Fortran order', file("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }"), 'Fortran order'],
    ['no shape', file("{'descr': '<f4', 'fortran_order': False}"), 'no shape'],
  ])('refuses %s and names the file', (_, bytes, message) => {
    expect(() => decodeNpy(bytes, { name: 'depth.npy' })).toThrow(DarError)
    expect(() => decodeNpy(bytes, { name: 'depth.npy' })).toThrow(/^depth\.npy /)
    expect(() => decodeNpy(bytes)).toThrow(message)
  })

  it.each<[string, readonly number[]]>([
    ['<f2', [0x00, 0x3e]],
    ['>f2', [0x3e, 0x00]],
    ['<f8', [0, 0, 0, 0, 0, 0, 0xf8, 0x3f]],
    ['>f4', [0x3f, 0xc0, 0, 0]],
  ])('reads 1.5 as %s', (descr, bytes) => {
    const header = file(`{'descr': '${descr}', 'fortran_order': False, 'shape': (1,), }`)
    const start = 10 + new DataView(header.buffer, header.byteOffset).getUint16(8, true)
    expect([...decodeNpy(Uint8Array.of(...header.subarray(0, start), ...bytes)).data]).toEqual([1.5])
  })

  it('reads integers, as depth in millimetres is saved', () => {
    const header = file("{'descr': '<u2', 'fortran_order': False, 'shape': (2,), }")
    const start = 10 + new DataView(header.buffer, header.byteOffset).getUint16(8, true)
    const bytes = Uint8Array.of(...header.subarray(0, start), 0xd0, 0x07, 0xff, 0xff)
    expect([...decodeNpy(bytes).data]).toEqual([2000, 65535])
  })

  it('refuses to write a shape that does not hold the data', () => {
    expect(() => encodeNpy(new Float32Array(6), [2, 2])).toThrow('shape [2,2]')
    expect(() => encodeNpy(new Float32Array(6), [-2, -3])).toThrow(DarError)
  })
})
