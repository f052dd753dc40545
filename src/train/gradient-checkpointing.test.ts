import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { engineNodes } from '../../test/engine-nodes.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { memoryUse } from '../graph/index.ts'
import type { DarConfig } from '../model/index.ts'
import { Engine } from '../runtime/engine.ts'
import { Random } from '../support/random.ts'
import { initialise } from './parameters.ts'
import type { TrainEvent } from './run-log.ts'
import { loadStep, trainingGraph, trainingOutputs } from './step-program.ts'
import { MICRO_MODEL, TINY_MODEL, tinyRecipe, writeRooms } from './testing.ts'
import { train } from './trainer.ts'

vi.setConfig({ testTimeout: 300_000 })

const size = { batch: 2, height: 64, width: 96 }
const HOW = ['keep', 'recompute'] as const

const models: [string, DarConfig][] = [
  ['a ViT with windows', MICRO_MODEL],
  ['MobileNetV2', TINY_MODEL],
]

describe.each(models)('a step of %s with gradient checkpointing', (_name, model) => {
  let engine: Engine
  beforeAll(() => {
    engine = new Engine({ threads: 1 })
  })
  afterAll(() => engine.dispose())

  it('has the losses and gradients of the step without, bit for bit', async () => {
    const random = new Random(3, 1)
    const image = Float32Array.from({ length: 2 * 3 * 64 * 96 }, () => random.uniform())
    const depth = Float32Array.from({ length: 2 * 64 * 96 }, () => random.uniform(1, 5))
    const results = []
    for (const checkpoints of HOW) {
      const graph = trainingGraph(model, { ...size, checkpoints })
      await using params = await engine.allocate('params', initialise(graph.layout, 5))
      await using grads = await engine.allocate('grads', new Float32Array(graph.layout.length))
      await using program = await loadStep(engine, graph, { params, grads })
      results.push({ losses: await program.run({ image, depth }), slope: await grads.read() })
    }
    const [keep, again] = results
    expect(again).toEqual(keep)
    expect(keep.slope.filter((v) => v !== 0).length).toBeGreaterThan(keep.slope.length / 2)
    expect(keep.slope.every(Number.isFinite)).toBe(true)
  })

  it('needs less memory by the graph', () => {
    const [keep, again] = HOW.map((checkpoints) => {
      const { outputs, gradients } = trainingOutputs(model, { ...size, checkpoints })
      return memoryUse(Object.values(outputs), { parameters: 'fed', bound: gradients }).activations
    })
    expect(again).toBeLessThan(0.9 * keep)
  })
})

it('is a field of a recipe: the run has the same losses', async () => {
  const folder = await temporaryFolder()
  await writeRooms(join(folder, 'rooms'), { count: 2, width: 96, height: 64 })
  const losses = async (gradientCheckpointing: boolean) => {
    const seen: number[] = []
    const onEvent = (event: TrainEvent) => {
      if (event.event === 'step') seen.push(event.loss)
    }
    const recipe = tinyRecipe({ gradientCheckpointing, stages: [{ height: 32, width: 64, batch: 2, updates: 3 }] })
    await train(recipe, { data: folder, out: join(folder, `out ${gradientCheckpointing}`), threads: 1, onEvent })
    return seen
  }
  const [kept, again] = [await losses(false), await losses(true)]
  expect(kept).toHaveLength(3)
  expect(again).toEqual(kept)
})

it('is not undone by the engine', async () => {
  const counts = []
  for (const checkpoints of HOW) {
    const nodes = await engineNodes(trainingGraph(MICRO_MODEL, { ...size, checkpoints }).compiled.model)
    counts.push(nodes.filter(({ type }) => type === 'Softmax').length)
  }
  // One of the attention of each of the encoder's four blocks; two of the decoder's block at each of two steps, of which that of the first
  // step to itself reads parameters alone and is kept.
  expect(counts[1] - counts[0]).toBe(4 + 2 * 2 - 1)
})
