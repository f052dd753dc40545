import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DarError } from '../support/errors.ts'
import { MAX_HEADER_BYTES, type SafetensorsDtype } from './format.ts'
import { parseSafetensors } from './read.ts'
import { fileOf, samples } from './testing.ts'
import { serialiseSafetensors } from './write.ts'

const entry = (dtype: string, shape: string, offsets: string) =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`

/** A file with the one tensor `a`, an F32 vector of 2 unless told otherwise, and 8 bytes of data. */
const oneTensor = ({ dtype = 'F32', shape = '[2]', offsets = '[0,8]', dataBytes = 8 } = {}) =>
  fileOf(`{"a":${entry(dtype, shape, offsets)}}`, dataBytes)

const valid = entry('F32', '[2]', '[0,8]')

describe('a hostile file', () => {
  const cases: [rule: string, bytes: Uint8Array, message: RegExp][] = [
    ['is empty', new Uint8Array(0), /0 bytes long, too short/],
    ['ends inside the header length', new Uint8Array(7), /7 bytes long, too short/],
    ['has a header over the limit', fileOf('{}', 0, BigInt(MAX_HEADER_BYTES) + 1n), /100000001 bytes, more than/],
    ['has a header length of 2⁶⁴ − 1', fileOf('{}', 0, 2n ** 64n - 1n), /18446744073709551615 bytes, more than/],
    ['has a header longer than the file', fileOf('{}', 0, 3n), /header of 3 bytes, but has only 2/],
    ['has no header', fileOf(''), /does not start with '{'/],
    ['starts its header with a space', fileOf(' {}'), /does not start with '{'/],
    ['starts its header with a byte order mark', fileOf('\ufeff{}'), /does not start with '{'/],
    ['has an array for a header', fileOf('[]'), /does not start with '{'/],
    ['has a header that is not UTF-8', fileOf(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)), /not valid UTF-8/],
    [
      'has a surrogate encoded as UTF-8',
      fileOf(Uint8Array.of(0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x7d)),
      /not valid UTF-8/,
    ],
    ['has half a surrogate pair for a name', fileOf(`{"\\ud800":${valid}}`, 8), /not valid Unicode/],
    ['has a header that stops early', fileOf('{"a":'), /not valid JSON/],
    ['has text after its header', fileOf('{} x'), /not valid JSON/],
    ['has a NUL after its header', fileOf('{}\0'), /not valid JSON/],
    ['nests 100,000 deep', fileOf(`{"a":{"dtype":${'['.repeat(1e5)}${']'.repeat(1e5)}}}`), /more than 64 levels deep/],
    ['nests 100,000 deep and stops', fileOf(`{"a":${'{"b":'.repeat(1e5)}`), /more than 64 levels deep/],
    [
      'has more values than any model',
      fileOf(`{${Array.from({ length: 2e5 }, (_, i) => `"${i}":${entry('F32', '[0]', '[0,0]')}`).join()}}`),
      /more than 1048576 values/,
    ],
    ['has a name of a megabyte', fileOf(`{"${'n'.repeat(1e6)}":${valid}}`, 8), /name has 1000000 characters/],
    ['has brackets in a string', fileOf(`{"a":"${'[{\\"'.repeat(1000)}"}`), /its entry is not an object/],
    ['has a dtype of a megabyte', fileOf(`{"a":${entry('n'.repeat(1e6), '[2]', '[0,8]')}}`, 8), /dtype "n{10,199}…/],
    [
      'has a shape of a thousand axes',
      oneTensor({ shape: `[${Array(1000).fill(1)}]`, offsets: '[0,4]', dataBytes: 4 }),
      /1000 axes/,
    ],
    ['names a tensor twice', fileOf(`{"a":${valid},"a":${valid}}`, 8), /key "a" twice/],
    ['names a tensor twice, once escaped', fileOf(`{"a":${valid},"\\u0061":${valid}}`, 8), /key "a" twice/],
    [
      'names a field twice',
      fileOf('{"a":{"dtype":"F32","dtype":"I32","shape":[2],"data_offsets":[0,8]}}', 8),
      /"dtype" twice/,
    ],
    ['has two equal keys of metadata', fileOf('{"__metadata__":{"k":"1","k":"2"}}'), /key "k" twice/],
    ['has metadata twice', fileOf('{"__metadata__":{},"__metadata__":{}}'), /key "__metadata__" twice/],
    ['has metadata that is not an object', fileOf('{"__metadata__":["x"]}'), /__metadata__ that is not an object/],
    ['has null metadata', fileOf('{"__metadata__":null}'), /__metadata__ that is not an object/],
    [
      'has a number in its metadata',
      fileOf('{"__metadata__":{"epoch":3}}'),
      /__metadata__ "epoch" that is not a string/,
    ],
    ['has an entry that is not an object', fileOf('{"a":[1]}'), /tensor "a": its entry is not an object/],
    [
      'has an entry without dtype',
      fileOf('{"a":{"shape":[2],"data_offsets":[0,8]}}', 8),
      /tensor "a": dtype undefined is unknown/,
    ],
    ['has an unknown dtype', oneTensor({ dtype: 'F31' }), /tensor "a": dtype "F31" is unknown/],
    ['has a dtype in lower case', oneTensor({ dtype: 'f32' }), /tensor "a": dtype "f32" is unknown/],
    ['has a dtype that every object inherits', oneTensor({ dtype: 'toString' }), /dtype "toString" is unknown/],
    ['has a shape that is no array', oneTensor({ shape: '2' }), /tensor "a": shape 2 is not an array/],
    ['has a negative size', oneTensor({ shape: '[-2]' }), /tensor "a": shape \[-2\] is not an array of non-negative/],
    [
      'has a minus zero size',
      oneTensor({ shape: '[-0]', offsets: '[0,0]', dataBytes: 0 }),
      /is not an array of non-negative/,
    ],
    ['has a size that is no integer', oneTensor({ shape: '[1.5]' }), /tensor "a": shape \[1.5\] is not/],
    ['has a size in quotes', oneTensor({ shape: '["2"]' }), /tensor "a": shape \["2"\] is not/],
    ['has a size of 2⁵³ + 1', oneTensor({ shape: '[9007199254740993]' }), /tensor "a": shape .* is not/],
    [
      'has a shape that overflows',
      oneTensor({ shape: '[4294967296,4294967296]' }),
      /tensor "a": .* more bytes than can be counted/,
    ],
    [
      'overflows before a zero',
      oneTensor({ shape: '[4294967296,4294967296,0]', offsets: '[0,0]' }),
      /more bytes than can be counted/,
    ],
    ['has one offset', oneTensor({ offsets: '[0]' }), /tensor "a": data_offsets \[0\] is not a pair/],
    ['has three offsets', oneTensor({ offsets: '[0,8,8]' }), /tensor "a": data_offsets \[0,8,8\] is not a pair/],
    ['has a negative offset', oneTensor({ offsets: '[-8,0]' }), /tensor "a": data_offsets \[-8,0\] is not a pair/],
    ['ends a tensor before its start', oneTensor({ offsets: '[8,0]' }), /tensor "a": its data ends at byte 0, before/],
    [
      'has fewer bytes than its shape',
      oneTensor({ shape: '[3]' }),
      /tensor "a": shape \[3\] of F32 takes 12 bytes, but .* span 8/,
    ],
    [
      'has more bytes than its shape',
      oneTensor({ shape: '[1]' }),
      /tensor "a": shape \[1\] of F32 takes 4 bytes, but .* span 8/,
    ],
    ['is truncated', oneTensor({ dataBytes: 7 }), /truncated or wrong: tensor "a" ends at byte 8 .* has only 7/],
    ['puts a tensor beyond its end', oneTensor({ offsets: '[1000,1008]' }), /tensor "a" ends at byte 1008/],
    ['has bytes after its last tensor', oneTensor({ dataBytes: 9 }), /1 bytes after its last tensor/],
    ['has data but no tensor', fileOf('{}', 4), /4 bytes after its last tensor/],
    [
      'leaves a gap at the start',
      oneTensor({ offsets: '[4,12]', dataBytes: 12 }),
      /tensor "a": it leaves a gap .* byte 4, expected 0/,
    ],
    [
      'leaves a gap between tensors',
      fileOf(`{"a":${valid},"b":${entry('U8', '[1]', '[9,10]')}}`, 10),
      /tensor "b": it leaves a gap before it \(starts at byte 9, expected 8\)/,
    ],
    [
      'lets two tensors overlap',
      fileOf(`{"a":${valid},"b":${entry('F32', '[2]', '[4,12]')}}`, 12),
      /tensor "b": it overlaps the tensor before it \(starts at byte 4, expected 8\)/,
    ],
    ['lets two tensors share their bytes', fileOf(`{"a":${valid},"b":${valid}}`, 8), /tensor "b": it overlaps/],
    [
      'hides an empty tensor inside another',
      fileOf(`{"a":${valid},"b":${entry('U8', '[0]', '[4,4]')}}`, 8),
      /tensor "b": it overlaps/,
    ],
  ]

  it.each(cases)('that %s is refused', (_, bytes, message) => {
    const read = () => parseSafetensors(bytes, 'weights/x.safetensors')
    expect(read).toThrow(DarError)
    expect(read).toThrow(message)
    expect(read).toThrow(/^weights\/x\.safetensors /)
  })

  it('never gives anything but a file or a DarError, whatever is done to the bytes of a good one', () => {
    const good = serialiseSafetensors(
      {
        a: { dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) },
        b: { dtype: 'U8', shape: [], data: Uint8Array.of(7) },
      },
      { format: 'pt' },
    )
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, value, keep) => {
        const bytes = good.slice(0, keep)
        bytes[at] = value
        try {
          parseSafetensors(bytes, 'x')
        } catch (error) {
          expect(error).toBeInstanceOf(DarError)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('with a very long name is refused in a message of reasonable length', () => {
    const name = 'n'.repeat(100_000)
    expect(() => parseSafetensors(fileOf(`{"${name}":1}`), 'x')).toThrow(/^.{1,400}$/)
  })
})

describe('a lawful file', () => {
  it('may list its tensors in any order; they are given in the order of their data', () => {
    const header = `{"b":${entry('U8', '[3]', '[8,11]')},"a":${valid},"10":${entry('I8', '[1]', '[11,12]')}}`
    const { tensors } = parseSafetensors(fileOf(header, 12), 'x')
    expect([...tensors.keys()]).toEqual(['a', 'b', '10'])
    expect(tensors.get('b')?.data).toEqual(Uint8Array.of(8, 9, 10))
  })

  it('may hold scalars, empty tensors, no tensor at all and spaces after the header', () => {
    const header = `{"s":${entry('F32', '[]', '[0,4]')},"e":${entry('F32', '[0,5]', '[0,0]')}}  `
    const { tensors } = parseSafetensors(fileOf(header, 4), 'x')
    expect(tensors.get('s')?.data.length).toBe(1)
    expect(tensors.get('e')?.data.length).toBe(0)
    expect(parseSafetensors(fileOf('{}'), 'x')).toEqual({ metadata: {}, tensors: new Map() })
  })

  it('may have equal keys in different objects, and braces, quotes and commas inside strings', () => {
    const metadata = { dtype: 'x', a: '{"a":1,"a":2}', 'quote " \\': ',"a":' }
    const bytes = fileOf(
      `{"__metadata__":${JSON.stringify(metadata)},"a":${valid},"shape":${entry('U8', '[0]', '[8,8]')}}`,
      8,
    )
    expect(parseSafetensors(bytes, 'x').metadata).toEqual(metadata)
  })

  it('may use names that JavaScript objects treat specially', () => {
    const { tensors } = parseSafetensors(fileOf(`{"__proto__":${valid}}`, 8), 'x')
    expect(tensors.get('__proto__')?.shape).toEqual([2])
  })

  it('is read from a slice of a larger buffer, and at any alignment', () => {
    const good = serialiseSafetensors({ a: { dtype: 'F64', shape: [2], data: Float64Array.of(1.5, -2.5) } })
    for (const shift of [0, 1, 8]) {
      const buffer = new Uint8Array(good.length + shift + 5)
      buffer.set(good, shift)
      const { tensors } = parseSafetensors(buffer.subarray(shift, shift + good.length), 'x')
      expect(tensors.get('a')?.data).toEqual(Float64Array.of(1.5, -2.5))
    }
  })
})

describe('toFloat32', () => {
  const float32Of = (dtype: SafetensorsDtype) =>
    parseSafetensors(serialiseSafetensors({ a: { dtype, shape: [2], data: samples[dtype] } }), 'x.safetensors')
      .tensors.get('a')
      ?.toFloat32()

  it.each([
    ['F64', [Math.fround(Math.PI), -0]],
    ['F32', [1.5, Number.NaN]],
    ['F16', [1, -2.5]],
    ['BF16', [1, -2.5]],
  ] as const)('converts %s', (dtype, expected) => {
    expect(float32Of(dtype)).toEqual(Float32Array.from(expected))
  })

  it('gives an array of its own, so that writing to it does not change the file', () => {
    const bytes = serialiseSafetensors({ a: { dtype: 'F32', shape: [1], data: Float32Array.of(1) } })
    const tensor = parseSafetensors(bytes, 'x').tensors.get('a')
    tensor?.toFloat32().fill(9)
    expect(tensor?.data).toEqual(Float32Array.of(1))
  })

  it('refuses integers, naming file and tensor', () => {
    expect(() => float32Of('I32')).toThrow('x.safetensors: tensor "a" holds I32')
  })
})
