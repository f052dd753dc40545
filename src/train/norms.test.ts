import { afterAll, describe, expect, it } from 'vitest'
import { Engine, live } from '../runtime/engine.ts'
import { Norms } from './norms.ts'
import { initialise, type Layout } from './parameters.ts'
import { modelLayout } from './step-program.ts'
import { MICRO_MODEL } from './testing.ts'

const engine = new Engine({ threads: 1 })
afterAll(() => engine.dispose())

async function normsOf(layout: Layout, params: Float32Array, grads: Float32Array) {
  const state = { params: await engine.allocate('params', params), grads: await engine.allocate('grads', grads) }
  const norms = await Norms.create(engine, layout, state)
  const figures = await norms.run()
  const after = [await state.params.read(), await state.grads.read()]
  for (const held of [norms, state.params, state.grads]) await held.dispose()
  expect(live).toEqual({ engines: 1, programs: 0, buffers: 0 })
  expect(after).toEqual([params, grads])
  return figures
}

describe('Norms', () => {
  it('are those of each part of the model, computed value by value, and leave the buffers as they are', async () => {
    const layout = modelLayout(MICRO_MODEL, { height: 32, width: 64 })
    const params = initialise(layout, 3)
    const grads = initialise(layout, 4).map((value, i) => value + 0.001 * (i % 7))
    const figures = await normsOf(layout, params, grads)
    const parts = new Map<string, { weights: number; gradient: number }>()
    for (const { name, offset, length } of layout.entries) {
      const [part] = name.split('.')
      const sums = parts.get(part) ?? { weights: 0, gradient: 0 }
      for (let i = offset; i < offset + length; i++) {
        sums.weights += params[i] ** 2
        sums.gradient += grads[i] ** 2
      }
      parts.set(part, sums)
    }
    expect(figures.map(({ part }) => part)).toEqual([...parts.keys()])
    expect(parts.size).toBeGreaterThan(2)
    for (const { part, weights, gradient } of figures) {
      expect(weights / Math.sqrt(parts.get(part)?.weights ?? 0)).toBeCloseTo(1, 4)
      expect(gradient / Math.sqrt(parts.get(part)?.gradient ?? 0)).toBeCloseTo(1, 4)
    }
  })

  it('join the parameters of a part that do not lie together', async () => {
    const at = (name: string, offset: number) =>
      ({ name, shape: [1], init: { kind: 'constant', value: 0 }, offset, length: 1 }) as const
    // By code units `a-b.c` lies between `a` and `a.b`.
    const layout = { entries: [at('a', 0), at('a-b.c', 1), at('a.b', 2)], length: 3 }
    expect(await normsOf(layout, Float32Array.of(3, 7, 4), Float32Array.of(0, 2, 0))).toEqual([
      { part: 'a', weights: 5, gradient: 0 },
      { part: 'a-b', weights: 7, gradient: 2 },
    ])
  })
})
