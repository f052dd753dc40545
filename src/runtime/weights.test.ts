import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { writeSafetensors } from './safetensors-file.ts'
import { readWeights, storedConfig, writeWeights } from './weights.ts'

let folder: string
beforeAll(async () => {
  folder = await temporaryFolder()
})

const PARAMETERS = [
  { name: 'neck.conv.weight', shape: [2, 1, 1, 2], values: Float32Array.of(1, -0.5, 0.333333, 1e-3) },
  { name: 'decoder.start', shape: [1], values: Float32Array.of(3) },
]

test('float32 weights come back as they were, with shapes and metadata', async () => {
  const path = join(folder, 'f32.safetensors')
  await writeWeights(path, PARAMETERS, { config: '{"bins":16}', note: 'x' })
  const weights = await readWeights(path)
  expect(weights.metadata).toEqual({ config: '{"bins":16}', note: 'x' })
  for (const { name, shape, values } of PARAMETERS) {
    expect(weights.values.get(name)).toEqual(values)
    expect(weights.shapes.get(name)).toEqual(shape)
  }
  expect(storedConfig(weights, path)).toEqual({ bins: 16 })
})

test('float16 storage is half the size, and rounds to eleven bits', async () => {
  const path = join(folder, 'f16.safetensors')
  await writeWeights(path, PARAMETERS, {}, { dtype: 'F16' })
  const values = (await readWeights(path)).values.get('neck.conv.weight')!
  expect([...values.slice(0, 2)]).toEqual([1, -0.5])
  expect(Math.abs(values[2] / 0.333333 - 1)).toBeGreaterThan(1e-6)
  expect(Math.abs(values[2] / 0.333333 - 1)).toBeLessThan(2 ** -11)
})

test('a file without a config, or with one that is no JSON, is refused by name', async () => {
  const path = join(folder, 'no.safetensors')
  await writeWeights(path, PARAMETERS, {})
  expect(() => storedConfig({ metadata: {} }, path)).toThrow(`${path} holds no model config`)
  expect(() => storedConfig({ metadata: { config: '{bins' } }, path)).toThrow(
    `${path}: the config in its metadata is not JSON; train or export it again`,
  )
})

test('a tensor of integers is refused, naming the file and the tensor', async () => {
  const path = join(folder, 'ints.safetensors')
  await writeSafetensors(path, { counter: { dtype: 'I32', shape: [1], data: Int32Array.of(1) } })
  await expect(readWeights(path)).rejects.toThrow(`${path}: tensor "counter" holds I32, but floating point is needed`)
})
