import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { parseSafetensors } from '../safetensors/index.ts'
import { refuseWrongOnWebGpu, wrongOnWebGpu } from './webgpu-limits.ts'

it('knows the convolutions that WebGPU computes wrongly; no shipped model has one', async () => {
  const conv = (channels: number, side = 3) => wrongOnWebGpu([{ name: 'w', shape: [8, channels, side, side] }])
  expect([3, 4, 8, 10, 12, 24].map((channels) => conv(channels))).toEqual(Array(6).fill(null))
  expect([6, 9, 15].map((channels) => conv(channels))).toEqual(Array(3).fill('w'))
  expect(conv(6, 1)).toBeNull()
  for (const name of ['dar-nano', 'dar-nano-1']) {
    const { tensors } = parseSafetensors(await readFile(`models/${name}/model.safetensors`), name)
    expect(wrongOnWebGpu([...tensors].map(([key, { shape }]) => ({ name: key, shape }))), name).toBeNull()
  }
})

it('refuses a model that has one, and says what else can be done', () => {
  const weights = [{ name: 'neck.conv.weight', shape: [8, 6, 3, 3] }]
  expect(() => refuseWrongOnWebGpu(weights, 'mine', 'predict on the CPU')).toThrow(
    expect.objectContaining({
      kind: 'model', // a mistake of nobody: the command line says it in one line
      message:
        'WebGPU computes neck.conv.weight of mine wrongly, a convolution over a multiple of 3 channels; predict on the CPU',
    }),
  )
  expect(() => refuseWrongOnWebGpu([{ name: 'w', shape: [8, 12, 3, 3] }], 'mine', 'x')).not.toThrow()
})
