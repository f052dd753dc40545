import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { float32ToHalf } from '../safetensors/float16.ts'
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

/** A file with any header. */
function file(header: string, data = new Uint8Array(16), version = 1): Uint8Array {
  const text = new TextEncoder().encode(header)
  return Uint8Array.of(
    0x93,
    ...new TextEncoder().encode('NUMPY'),
    version,
    0,
    text.length & 255,
    text.length >> 8,
    ...(version > 1 ? [0, 0] : []),
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
    [
      'a structured type',
      file("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2,), }"),
      'a structured type',
    ],
    ['objects', file("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }"), 'holds |O, not plain'],
    [
      'a negative side',
      file("{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 2), }"),
      'shape in its header is none',
    ],
    ['code', file("__import__('os').system('true')"), 'is not whole'],
    ['a header nested deep', file('('.repeat(5000)), 'nested too deep'],
    ['a header of quotes', file(`"${"'".repeat(5000)}`), 'is not whole'],
    ['two values', file("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} 1"), 'goes on after the dict'],
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

  const ramp24 = Float32Array.from({ length: 24 }, (_, i) => 1 + i / 8) // each a half float too
  /** The 4×6 map in one number type; `columns`: with the first axis varying fastest. */
  function stored(kind: 'f2' | 'f4' | 'f8', { big = false, columns = false } = {}): Uint8Array {
    const size = Number(kind[1])
    const view = new DataView(new ArrayBuffer(24 * size))
    for (let i = 0; i < 24; i++) {
      const value = ramp24[columns ? (i % 4) * 6 + Math.floor(i / 4) : i]
      if (kind === 'f2') view.setUint16(2 * i, float32ToHalf(Float32Array.of(value))[0], !big)
      else if (kind === 'f4') view.setFloat32(4 * i, value, !big)
      else view.setFloat64(8 * i, value, !big)
    }
    return new Uint8Array(view.buffer)
  }

  it.each<[string, string, Uint8Array, number?]>([
    ['blanks', "{ 'descr' : '<f4' , 'fortran_order' : False , 'shape' : ( 4 , 6 ) }", stored('f4')],
    ['double quotes', '{"descr": "<f4", "fortran_order": False, "shape": (4, 6)}', stored('f4')],
    ['Python 2', "{'descr': '<f4', 'fortran_order': False, 'shape': (4L, 6L), }", stored('f4')],
    ['another order of keys', "{'shape': (4, 6,), 'fortran_order': False, u'descr': b'=f4'}", stored('f4')],
    ['line breaks', "{'descr':'<f4',\n'fortran_order':False,\n'shape':[4,6]}", stored('f4')],
    ['Fortran order', "{'descr': '<f4', 'fortran_order': True, 'shape': (4, 6), }", stored('f4', { columns: true })],
    ['big endian', "{'descr': '>f4', 'fortran_order': False, 'shape': (4, 6), }", stored('f4', { big: true })],
    ['double', "{'descr': '<f8', 'fortran_order': False, 'shape': (4, 6), }", stored('f8'), 2],
    ['half', "{'descr': '<f2', 'fortran_order': False, 'shape': (1, 4, 6), }", stored('f2')],
    [
      'half in Fortran order, version 3',
      "{'descr': '<f2', 'fortran_order': True, 'shape': (1, 4, 6), }",
      stored('f2', { columns: true }),
      3,
    ],
  ])('reads %s as numpy does', (_, header, data, version = 1) => {
    const { shape, data: read } = decodeNpy(file(header, Uint8Array.from(data), version))
    expect(shape.filter((side) => side > 1)).toEqual([4, 6])
    expect(read).toEqual(ramp24)
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
