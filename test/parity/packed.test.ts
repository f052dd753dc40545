import { expect, test } from 'vitest'
import { parseSafetensors, serialiseSafetensors } from '../../src/safetensors/index.ts'
import { Random } from '../../src/support/random.ts'
import { pack, unpack } from './packed.ts'

const random = new Random(1)
const floats = (count: number) => Float32Array.from({ length: count }, () => random.normal(0, 3))
const tensors = {
  'param/w': { dtype: 'F32', shape: [5, 20], data: floats(100) },
  'trace/y': { dtype: 'F32', shape: [10, 20], data: floats(200) },
  'trace/few': { dtype: 'F32', shape: [4], data: floats(4) },
  'grad/zero': { dtype: 'F32', shape: [80], data: new Float32Array(80) },
  loss: { dtype: 'F32', shape: [], data: floats(1) },
  'trace/steps': { dtype: 'I32', shape: [3], data: Int32Array.of(1, 2, 70000) },
  'trace/mask': { dtype: 'BOOL', shape: [2], data: Uint8Array.of(1, 0) },
} as const

test('what is fed, losses, integers and small tensors come back exactly; compared ones within 1.6e-5 of the largest', () => {
  const file = parseSafetensors(serialiseSafetensors(tensors, { config: '{}' }), 'case')
  const back = parseSafetensors(unpack(pack(file), 'case'), 'case')
  expect(back.metadata).toEqual({ config: '{}' })
  expect([...back.tensors.keys()].sort()).toEqual(Object.keys(tensors).sort())
  for (const [name, { dtype, shape, data }] of back.tensors) {
    const before = tensors[name as keyof typeof tensors]
    expect([dtype, shape]).toEqual([before.dtype, before.shape])
    if (name !== 'trace/y') {
      expect([...data], name).toEqual([...before.data])
      continue
    }
    const largest = Math.max(...before.data.map(Math.abs))
    const error = Math.max(...before.data.map((x, i) => Math.abs(x - Number(data[i]))))
    expect(error / largest).toBeGreaterThan(0)
    expect(error / largest).toBeLessThan(1.6e-5)
  }
})
