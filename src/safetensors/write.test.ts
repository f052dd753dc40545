import { describe, expect, it } from 'vitest'
import { DarError } from '../support/errors.ts'
import type { SafetensorsDtype } from './format.ts'
import { parseSafetensors } from './read.ts'
import { fileOf, samples } from './testing.ts'
import { serialiseSafetensors } from './write.ts'

describe('what is written', () => {
  const tensorsOf = (dtypes: SafetensorsDtype[]) =>
    Object.fromEntries(dtypes.map((dtype) => [`t.${dtype}`, { dtype, shape: [1, 2], data: samples[dtype] }]))
  const dtypes = Object.keys(samples) as SafetensorsDtype[]

  it('comes back with the same dtypes, shapes, values and metadata', () => {
    const metadata = { note: 'naïve – 深度', format: 'pt' }
    const file = parseSafetensors(serialiseSafetensors(tensorsOf(dtypes), metadata), 'x')
    expect(file.metadata).toEqual(metadata)
    expect(file.tensors.size).toBe(dtypes.length)
    for (const dtype of dtypes) {
      const tensor = file.tensors.get(`t.${dtype}`)
      expect([tensor?.dtype, tensor?.shape, tensor?.data]).toEqual([dtype, [1, 2], samples[dtype]])
    }
  })

  it('has every tensor at a multiple of its element size', () => {
    const bytes = serialiseSafetensors({
      odd: { dtype: 'U8', shape: [3], data: new Uint8Array(3) },
      half: { dtype: 'F16', shape: [1], data: new Uint16Array(1) },
      ...tensorsOf(dtypes),
    })
    for (const { data } of parseSafetensors(bytes, 'x').tensors.values()) {
      expect(data.buffer).toBe(bytes.buffer) // a view, not an aligned copy
    }
  })

  it('is the same whatever the order of the keys', () => {
    const forward = serialiseSafetensors(tensorsOf(dtypes), { a: '1', b: '2' })
    const backward = serialiseSafetensors(tensorsOf(dtypes.toReversed()), { b: '2', a: '1' })
    expect(backward).toEqual(forward)
  })

  it('is laid out byte for byte as the reference implementation lays it out', () => {
    // `prepare` in safetensors/src/tensor.rs: metadata first, data by falling dtype then name, padded with spaces to 8 bytes.
    const expected =
      '{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},' +
      '"b":{"dtype":"F32","shape":[],"data_offsets":[4,8]},"0":{"dtype":"U8","shape":[2],"data_offsets":[8,10]}}'
    const bytes = serialiseSafetensors(
      {
        0: { dtype: 'U8', shape: [2], data: Uint8Array.of(8, 9) },
        b: { dtype: 'F32', shape: [], data: new Float32Array(Uint8Array.of(4, 5, 6, 7).buffer) },
        a: { dtype: 'F32', shape: [1], data: new Float32Array(Uint8Array.of(0, 1, 2, 3).buffer) },
      },
      { format: 'pt' },
    )
    expect(bytes).toEqual(fileOf(expected.padEnd(Math.ceil(expected.length / 8) * 8), 10))
  })

  it('holds the part of a larger array that was given, and nothing else of it', () => {
    const data = Float32Array.of(1, 2, 3, 4).subarray(1, 3)
    const { tensors } = parseSafetensors(serialiseSafetensors({ a: { dtype: 'F32', shape: [2], data } }), 'x')
    expect(tensors.get('a')?.data).toEqual(Float32Array.of(2, 3))
  })

  it.each([
    [
      'a shape that does not go with the data',
      { a: { dtype: 'F32', shape: [3], data: new Float32Array(2) } },
      /"a": shape \[3\].* 2 elements/,
    ],
    ['a negative shape', { a: { dtype: 'F32', shape: [-1, -2], data: new Float32Array(2) } }, /"a": shape \[-1,-2\]/],
    [
      'an array of another dtype',
      { a: { dtype: 'F16', shape: [2], data: new Float32Array(2) } },
      /"a": F16 needs its data as Uint16Array/,
    ],
    [
      'the reserved name',
      { __metadata__: { dtype: 'F32', shape: [2], data: new Float32Array(2) } },
      /reserves this name/,
    ],
    [
      'half a surrogate pair for a name',
      { '\ud800': { dtype: 'F32', shape: [2], data: new Float32Array(2) } },
      /not valid Unicode/,
    ],
  ] as const)('is refused for %s', (_, tensors, message) => {
    expect(() => serialiseSafetensors(tensors)).toThrow(DarError)
    expect(() => serialiseSafetensors(tensors)).toThrow(message)
  })
})
