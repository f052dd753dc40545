import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Batch } from '../data/index.ts'
import { type DarConfig, dropBranches } from '../model/index.ts'
import { Engine, live } from '../runtime/engine.ts'
import { Random } from '../support/random.ts'
import { Accumulator } from './accumulator.ts'
import { ALONE } from './collective.ts'
import { GradientStep } from './gradient-step.ts'
import { AdamW, STATE_NAMES, type TrainingState } from './optimiser.ts'
import { Owner } from './owner.ts'
import { initialise } from './parameters.ts'
import { modelLayout } from './step-program.ts'
import { MICRO_MODEL, TINY_MODEL } from './testing.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const SIZE = { height: 32, width: 64 }
const PIXELS = SIZE.height * SIZE.width
const IMAGES = 4

/** Four unlike pictures: two measured, of which one hardly, and two of a teacher. */
function pictures(config: DarConfig): Batch {
  const random = new Random(7, 1)
  const image = Float32Array.from({ length: IMAGES * 3 * PIXELS }, () => random.uniform())
  const depth = Float32Array.from({ length: IMAGES * PIXELS }, (_, i) => {
    const metres = 1 + ((i % SIZE.width) / SIZE.width) * (2 + Math.floor(i / PIXELS)) + random.uniform()
    return i < PIXELS && i % 5 !== 0 ? 0 : metres
  })
  const names = Array.from({ length: IMAGES }, (_, i) => `picture${i}`)
  const scales = new Float32Array(IMAGES).fill(1)
  const draws = Float32Array.from({ length: IMAGES * dropBranches(config) }, () => random.uniform())
  return { index: 0, image, depth, names, scales, teacher: Uint8Array.of(0, 0, 1, 1), draws, taps: [] }
}

function cut({ image, depth, names, scales, teacher, draws }: Batch, count: number): Batch[] {
  return Array.from({ length: count }, (_, index) => {
    const part = <T extends { readonly length: number; slice(from: number, to: number): T }>(all: T): T =>
      all.slice((index * all.length) / count, ((index + 1) * all.length) / count)
    return {
      index,
      image: part(image),
      depth: part(depth),
      names: names.slice((index * names.length) / count, ((index + 1) * names.length) / count),
      scales: part(scales),
      teacher: part(teacher),
      draws: part(draws),
      taps: [],
    }
  })
}

const norm = (values: ArrayLike<number>) => Math.sqrt(Array.from(values).reduce((sum, v) => sum + v * v, 0))
const apart = (a: Float32Array, b: Float32Array) => norm(a.map((v, i) => v - b[i])) / norm(b)

describe.each<[string, DarConfig, number[]]>([
  ['a ViT', MICRO_MODEL, [2, 4]],
  ['MobileNetV2', TINY_MODEL, [2]],
])('an update of %s in micro-batches', (_name, config, counts) => {
  let engine: Engine
  const layout = modelLayout(config, SIZE)
  const start = initialise(layout, 5)
  let owner: Owner
  let state: TrainingState
  let adam: AdamW
  beforeAll(async () => {
    engine = new Engine({ threads: 1 })
    owner = new Owner()
    const hold = async (name: string, values: Float32Array) => owner.hold(await engine.allocate(name, values))
    const zeros = new Float32Array(layout.length)
    const buffers = await Promise.all(STATE_NAMES.map(async (name) => [name, await hold(name, zeros)] as const))
    state = Object.fromEntries(buffers) as unknown as TrainingState
    // ε above the rounding of a gradient: AdamW takes full steps along gradients that are nothing but rounding.
    adam = owner.hold(await AdamW.create(engine, layout, state, { clip: 3, epsilon: 1e-4 }))
  })
  afterEach(() => {
    expect(live.programs).toBe(2) // those of AdamW: a step leaves nothing behind
  })
  afterAll(async () => {
    await owner.dispose()
    await engine.dispose()
    expect(live).toEqual({ engines: 0, programs: 0, buffers: 0 })
  })

  /** Two updates from the start, on `count` micro-batches each. */
  async function run(count: number, { frozen = () => false }: { readonly frozen?: (name: string) => boolean } = {}) {
    await state.params.write(start)
    for (const name of ['grads', 'm', 'v', 'ema'] as const) await state[name].write(new Float32Array(layout.length))
    const parts = new Owner()
    try {
      const accumulator = count > 1 ? parts.hold(await Accumulator.create(engine, state.grads)) : null
      const loss = { varianceFocus: 0.85, edges: 0.2, teacher: 0.5 }
      const options = { ...SIZE, batch: IMAGES / count, loss, dropPath: 0.4, frozen }
      const step = parts.hold(
        await GradientStep.open(engine, { config, layout, state }, options, { accumulator, collective: ALONE }),
      )
      const updates = []
      for (const index of [0, 1]) {
        const figures = await step.run(cut(pictures(config), count))
        const gradient = await state.grads.read()
        await adam.apply(index, 1e-3, await adam.gradientNorm())
        updates.push({ ...figures, gradient, params: await state.params.read() })
      }
      return updates
    } finally {
      await parts.dispose()
    }
  }

  let whole: ReturnType<typeof run> | null = null
  it.each(counts)('is that of the whole batch to 1e-6, in %i of them', async (count) => {
    whole ??= run(1)
    const [expected, parts] = [await whole, await run(count)]
    expect(expected[1].loss).not.toBe(expected[0].loss)
    for (const [i, { loss, terms, gradient, params }] of expected.entries()) {
      expect(Math.abs(parts[i].loss / loss - 1)).toBeLessThan(1e-6)
      terms.forEach((term, k) => {
        expect(Math.abs(parts[i].terms[k] / term - 1)).toBeLessThan(1e-6)
      })
      expect(apart(parts[i].params, params)).toBeLessThan(1e-6)
      // From the same weights. Later the term of edges, which has kinks, sees other sides of some of them.
      if (i === 0) expect(apart(parts[i].gradient, gradient)).toBeLessThan(1e-6)
    }
  })

  if (config === MICRO_MODEL)
    it('leaves frozen parameters without a gradient', async () => {
      const frozen = (name: string) => name.startsWith('encoder.')
      const [{ gradient }] = await run(2, { frozen })
      const still = layout.entries.filter(({ name }) => frozen(name))
      expect(still.length).toBeGreaterThan(0)
      for (const { offset, length } of still)
        expect(gradient.subarray(offset, offset + length).every((v) => v === 0)).toBe(true)
    })
})
