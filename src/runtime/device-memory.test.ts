import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { useSoftwareGpu } from '../../test/software-gpu.ts'
import { compile, Graph } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { Engine } from './engine.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const NONE = { kind: 'constant', value: 0 } as const

describe.skipIf(!useSoftwareGpu())('buffers in the memory of a device', () => {
  let engine: Engine
  beforeAll(() => {
    engine = new Engine({ threads: 1, provider: 'webgpu' })
  })
  afterAll(() => engine.dispose())

  it('are read and written in slices, keep what no output covers, and see what others wrote', async () => {
    const graph = new Graph()
    const x = graph.input('x', [2])
    const [a, b] = [graph.parameter('a', [2, 2], NONE), graph.parameter('b', [2], NONE)]
    const outputs = { sum: ops.sum(ops.mul(a, a)), da: ops.mul(a, 10), db: ops.add(b, x) }
    await using p = await engine.allocate('p', Float32Array.of(1, 2, 3, 4, 5, 6, 7))
    await using g = await engine.allocate('g', Float32Array.of(-1, -2, -3, -4, -5, -6, -7, -8))
    await using step = await engine.load(compile(outputs, { name: 'step' }), {
      boundInputs: { a: p.slice(0, 4), b: p.slice(5, 2) },
      boundOutputs: { da: g.slice(1, 4), db: g.slice(6, 2) },
    })
    const whole = new Graph()
    const [q, h] = [whole.input('p', [7]), whole.input('g', [8])]
    await using update = await engine.load(compile({ p2: ops.add(q, ops.slice(h, 0, 1)) }, { name: 'update' }), {
      boundInputs: { p: p.slice(0, 7), g: g.slice(0, 8) },
      boundOutputs: { p2: p.slice(0, 7) },
    })
    const feed = { x: Float32Array.of(0.25, 0.5) }

    expect(await step.run(feed)).toEqual({ sum: Float32Array.of(30) })
    expect([...(await g.read())]).toEqual([-1, 10, 20, 30, 40, -6, 6.25, 7.5])
    await update.run({})
    expect([...(await p.read())]).toEqual([11, 22, 33, 44, -1, 12.25, 14.5])
    // The slices are cut anew from the buffer that has changed.
    expect((await step.run(feed)).sum[0]).toBe(11 ** 2 + 22 ** 2 + 33 ** 2 + 44 ** 2)
    await p.write(Float32Array.of(1, 0, 0, 0, 0, 1, 2))
    expect((await step.run(feed)).sum[0]).toBe(1)
    expect([...(await g.read(1, 4))]).toEqual([10, 0, 0, 0])
    expect([...(await g.read(6, 2))]).toEqual([1.25, 2.5])
  })

  it('hold as many slices as a model has parameters', async () => {
    const count = 300
    const graph = new Graph()
    const parts = Array.from({ length: count }, (_, i) => graph.parameter(`p${i}`, [3], NONE))
    const outputs = Object.fromEntries(parts.map((part, i) => [`d${i}`, ops.mul(part, 2)]))
    const values = Float32Array.from({ length: 3 * count }, (_, i) => i)
    await using p = await engine.allocate('many', values)
    await using g = await engine.allocate('doubled', new Float32Array(3 * count))
    const slices = (name: string, of: typeof p) =>
      Object.fromEntries(parts.map((_, i) => [`${name}${i}`, of.slice(3 * i, 3)]))
    await using program = await engine.load(compile(outputs, { name: 'many' }), {
      boundInputs: slices('p', p),
      boundOutputs: slices('d', g),
    })
    await program.run({})
    expect(await g.read()).toEqual(values.map((v) => 2 * v))
  })

  it('belong to programs that say which operators run where', async () => {
    const graph = new Graph()
    const x = graph.input('x', [4, 4])
    const compiled = compile({ y: ops.matmul(ops.exp(x), x) }, { name: 'two' })
    expect(await engine.placement(compiled)).toMatchObject({ WebGpu: { Exp: 1, MatMul: 1 } })
    await using cpu = new Engine({ threads: 1 })
    expect(await cpu.placement(compiled)).toEqual({ CPU: { Exp: 1, MatMul: 1 } })
  })

  it('are refused by a name that the engine does not know', async () => {
    const graph = new Graph()
    const compiled = compile({ y: ops.mul(graph.input('x', [2]), 2) }, { name: 'tiny' })
    const nowhere = { buffer: 'nowhere', offset: 0, length: 2 }
    await expect(engine.load(compiled, { boundInputs: { x: nowhere } })).rejects.toThrow('no resident buffer nowhere')
  })
})
