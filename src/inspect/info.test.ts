import { describe, expect, it } from 'vitest'
import { TINY } from '../../test/tiny-model.ts'
import { PRESETS, parseConfig } from '../model/index.ts'
import { predictionOutputs } from '../predict/prediction-graph.ts'
import { modelInfo } from './info.ts'

const sumOfParts = ({ total: _, ...parts }: Readonly<Record<string, number>>) =>
  Object.values(parts).reduce((sum, n) => sum + n, 0)

describe('modelInfo', () => {
  const size = { width: 128, height: 96 }
  const info = modelInfo(TINY, { size })

  it('counts every parameter in one part', () => {
    const { graph } = predictionOutputs(TINY, size)
    const all = [...graph.parameters.values()].reduce((sum, { shape }) => sum + shape.reduce((n, m) => n * m, 1), 0)
    expect(info.parameters.total).toBe(all)
    expect(sumOfParts(info.parameters)).toBe(all)
    expect(Object.keys(info.parameters)).toEqual(['total', 'encoder', 'neck', 'decoder', 'bins', 'upsample'])
  })

  it('adds FLOPs up to the same total by part and by step', () => {
    expect(sumOfParts(info.flops)).toBe(info.flops.total)
    expect(sumOfParts(info.flopsByStep)).toBe(info.flops.total)
    expect(info.flopsByStep.total).toBe(info.flops.total)
    expect(Object.keys(info.flopsByStep)).toEqual(['total', 'shared', 'step1', 'step2'])
  })

  it('counts what the decoder’s width costs as by hand', () => {
    const narrow = parseConfig({ ...TINY, layers: 1, memoryWidth: 32, width: 16 })
    const wide = parseConfig({ ...narrow, width: 32 })
    const [a, b] = [narrow, wide].map((config) => modelInfo(config, { size }).flops.decoder)
    const [tokens1, tokens2] = info.tokenMaps.map(({ tokens }) => tokens)
    const memory = tokens2 // the last token map is the memory grid
    /** Multiply-adds with the width D. Step 1 starts from learned vectors: all before it meets the memory is known when loading. */
    const count = (d: number) => {
      const perToken = 32 * d + 3 * d * d + d * d + d * d // proj_in, qkv, proj, cross q
      const after = d * d + 8 * d * d + d * 32 // cross proj, mlp, proj_out
      const self = 2 * d * tokens2 * (tokens1 + tokens2)
      const cross = 2 * d * (tokens1 + tokens2) * memory
      return tokens2 * perToken + (tokens1 + tokens2) * after + self + cross + memory * 32 * 2 * d
    }
    expect(b - a).toBe(2 * (count(32) - count(16)))
  })

  it('names the token maps, coarse to fine', () => {
    expect(info.tokenMaps).toEqual([
      { width: 8, height: 6, tokens: 48 },
      { width: 16, height: 12, tokens: 192 },
    ])
    expect(modelInfo(parseConfig({ ...TINY, head: 'bins' }), { size }).tokenMaps).toEqual([])
  })

  it('costs three times as much to train as to predict, or a little less', () => {
    const ratio = info.trainingFlops / info.flops.total
    expect(ratio).toBeGreaterThan(2.5)
    expect(ratio).toBeLessThan(3.5)
  })

  it('asks for memory in proportion to the batch, weights aside', () => {
    const batch4 = modelInfo(TINY, { size, batch: 4 })
    expect(batch4.flops).toEqual(info.flops)
    expect(batch4.trainingFlops / info.trainingFlops).toBeCloseTo(1, 2)
    expect(batch4.memory.prediction.weights).toBe(info.memory.prediction.weights)
    const ratio = batch4.memory.prediction.activations / info.memory.prediction.activations
    expect(ratio).toBeGreaterThan(3.9)
    expect(ratio).toBeLessThan(4.1)
    expect(info.memory.training.state).toBe(7 * 4 * info.parameters.total)
    for (const { memory } of [info, batch4]) {
      expect(memory.predict).toBe(Object.values(memory.prediction).reduce((sum, n) => sum + n, 0))
      expect(memory.train).toBe(Object.values(memory.training).reduce((sum, n) => sum + n, 0))
    }
  })

  it('says what gradient checkpointing saves in memory and costs in arithmetic, of training only', () => {
    const again = modelInfo(TINY, { size, gradientCheckpointing: true })
    expect(again.memory.training.activations).toBeLessThan(0.8 * info.memory.training.activations)
    expect(again.trainingFlops).toBeGreaterThan(info.trainingFlops)
    expect(again.trainingFlops).toBeLessThanOrEqual(info.trainingFlops + info.flops.total)
    const [kept, recomputed] = [info, again].map((one) => ({ ...one.memory.training, activations: 0, allocator: 0 }))
    expect(recomputed).toEqual(kept)
    expect([again.flops, again.memory.prediction]).toEqual([info.flops, info.memory.prediction])
  })

  it('takes the size to one that the encoder can read', () => {
    expect(modelInfo(TINY, { size: { width: 130, height: 90 } }).networkSize).toEqual({ width: 128, height: 96 })
  })
})

it.each([
  ['dar-small', 440e6],
  ['dar-base', 1.0e9],
  ['dar-large', 2.0e9],
])('%s has %d parameters within 5 %%, counted without making them', (name, paper) => {
  const { graph } = predictionOutputs(PRESETS[name], { width: 70, height: 70 })
  const count = [...graph.parameters.values()].reduce((sum, { size }) => sum + size, 0)
  expect(Math.abs(count / paper - 1)).toBeLessThan(0.05)
})
