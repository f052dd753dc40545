/** Parts of training on WebGPU that the plain step does not have, each alone: a whole step takes SwiftShader a minute to compile. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { useSoftwareGpu } from '../../test/software-gpu.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { compile, Graph, gelu, gradient, matmul, mean, type PortInfo, sum } from '../graph/index.ts'
import { Engine } from '../runtime/engine.ts'
import { readWeights } from '../runtime/weights.ts'
import { Random } from '../support/random.ts'
import { Accumulator } from './accumulator.ts'
import { refuseWithoutHalf } from './device-notes.ts'
import { prepareFeatures } from './features.ts'
import { initialise } from './parameters.ts'
import { modelLayout } from './step-program.ts'
import { MICRO_MODEL, writeRooms } from './testing.ts'

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 })

describe.skipIf(!useSoftwareGpu())('on WebGPU', () => {
  let gpu: Engine
  let cpu: Engine
  beforeAll(() => {
    gpu = new Engine({ provider: 'webgpu', threads: 1 })
    cpu = new Engine({ threads: 1 })
  })
  afterAll(async () => {
    await gpu.dispose()
    await cpu.dispose()
  })

  it('the gradients of micro-batches are added up, update after update', async () => {
    await using grads = await gpu.allocate('grads', new Float32Array(4))
    const accumulator = await Accumulator.create(gpu, grads)
    for (const count of [2, 3]) {
      for (let i = 0; i < count; i++) {
        await grads.write(Float32Array.of(1, 10, -1, 0.5 * i))
        await accumulator.take(i, count)
      }
      expect([...(await grads.read())]).toEqual([count, 10 * count, -count, (0.5 * count * (count - 1)) / 2])
    }
    await accumulator.dispose()
  })

  it('values that are computed again give the gradient of values that are kept', async () => {
    const made = (checkpoints: 'keep' | 'recompute') => {
      const graph = new Graph()
      const [x, w, v] = ['x', 'w', 'v'].map((name) => graph.input(name, [4, 4]))
      const inner = graph.checkpoint(() => gelu(matmul(gelu(matmul(x, w)), v)))
      const loss = mean(
        matmul(
          graph.checkpoint(() => gelu(matmul(inner, w))),
          v,
        ),
      )
      const [dw, dv] = gradient(loss, [w, v], { checkpoints })
      return compile({ loss, dw, dv, sum: sum(inner) }, { name: checkpoints })
    }
    const random = new Random(2)
    const feeds = Object.fromEntries(
      made('keep').inputs.map(({ name }: PortInfo) => [
        name,
        Float32Array.from({ length: 16 }, () => random.uniform(-1, 1)),
      ]),
    )
    const kept = await (await cpu.load(made('keep'))).run(feeds)
    const again = await (await gpu.load(made('recompute'))).run(feeds)
    for (const [name, values] of Object.entries(kept))
      for (const [i, value] of values.entries()) expect(again[name][i], name).toBeCloseTo(Number(value), 5)
  })

  it('features of a frozen encoder are kept on disk as the CPU computes them', async () => {
    const folder = await temporaryFolder()
    await writeRooms(join(folder, 'rooms'), { count: 2, width: 64, height: 32 })
    const sources = [{ kind: 'dataset', root: join(folder, 'rooms'), name: 'rooms', weight: 1 }] as const
    const size = { height: 32, width: 64 }
    const layout = modelLayout(MICRO_MODEL, size)
    const of = async (engine: Engine, name: string) => {
      await using params = await engine.allocate('params', initialise(layout, 5))
      const parts = { engine, config: MICRO_MODEL, layout, params, sources }
      return await prepareFeatures({ ...parts, folder: join(folder, name) }, size)
    }
    const [here, there] = [await of(cpu, 'cpu'), await of(gpu, 'webgpu')]
    for (const [frame, path] of Object.entries(here.files)) {
      const [own, others] = [await readWeights(path), await readWeights(there.files[frame])]
      for (const [tap, values] of own.values)
        for (const [i, value] of values.entries())
          expect(Math.abs(Number(others.values.get(tap)?.[i]) - value), `${frame} ${tap}`).toBeLessThan(1e-4)
    }
    expect(Object.keys(there.files)).toHaveLength(2)
  })

  it('half precision is refused with the reason where the device has no float16', async () => {
    const error = await refuseWithoutHalf(gpu).catch((error: unknown) => error)
    if (error === undefined) return
    expect(error).toMatchObject({ kind: 'missing' })
    expect((error as Error).message).toMatch(
      /^the device webgpu has no half precision here: .+; leave --precision out$/,
    )
  })
})
