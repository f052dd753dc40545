import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { LossOptions } from '../model/index.ts'
import { Engine } from '../runtime/engine.ts'
import { Random } from '../support/random.ts'
import { Owner } from './owner.ts'
import { initialise } from './parameters.ts'
import { feedsOf, loadStep, modelLayout, trainingGraph } from './step-program.ts'
import { MICRO_MODEL } from './testing.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const [batch, height, width] = [2, 32, 64]
const random = new Random(7, 1)
const image = Float32Array.from({ length: batch * 3 * height * width }, () => random.uniform())
/** Two walls at a slant, each farther away on another side: on one of them any student is right about what is near. */
const depth = Float32Array.from({ length: batch * height * width }, (_, i) => {
  const across = (i % width) / width
  return 1 + (i < height * width ? across : 1 - across) * random.uniform()
})

describe('a step with a teacher', () => {
  const engine = new Engine({ threads: 1 })
  const owner = new Owner()
  let without: Step
  let withOne: Step
  beforeAll(async () => {
    without = await open({ edges: 0.2 })
    withOne = await open({ edges: 0.2, teacher: 0.5 })
  })
  afterAll(async () => {
    await owner.dispose()
    await engine.dispose()
  })

  /** The losses and the whole gradient of one batch, whose samples of these numbers are a teacher's. */
  type Step = (...taught: readonly number[]) => Promise<{
    readonly sum: number
    readonly terms: readonly number[]
    readonly slope: Float32Array
    readonly fed: readonly string[]
  }>

  async function open(loss: LossOptions): Promise<Step> {
    const layout = modelLayout(MICRO_MODEL, { height, width })
    const named = (name: string) => `${name} ${loss.teacher}`
    const params = owner.hold(await engine.allocate(named('params'), initialise(layout, 5)))
    const grads = owner.hold(await engine.allocate(named('grads'), new Float32Array(layout.length)))
    const graph = trainingGraph(MICRO_MODEL, { batch, height, width, loss })
    const program = owner.hold(await loadStep(engine, graph, { params, grads }))
    return async (...taught) => {
      const teacher = Uint8Array.from({ length: batch }, (_, i) => Number(taught.includes(i)))
      const feeds = feedsOf(program, { image, depth, teacher, draws: new Float32Array(), taps: [] })
      const result = await program.run(feeds)
      const [sum, ...terms] = ['loss', 'loss1', 'loss2'].map((name) => Number(result[name][0]))
      return { sum, terms, slope: await grads.read(), fed: Object.keys(feeds) }
    }
  }

  it('is bit for bit the step without one, for a batch that has no image of it', async () => {
    const [plain, taught] = [await without(), await withOne()]
    expect(plain.fed).toEqual(['image', 'depth'])
    expect(taught.fed).toEqual(['image', 'depth', 'teacher'])
    expect(taught.sum).toBe(plain.sum)
    expect(taught.terms).toEqual(plain.terms)
    expect(plain.slope.some((v) => v !== 0)).toBe(true)
    expect(taught.slope.every((v, i) => v === plain.slope[i])).toBe(true) // −0 is 0
  })

  it('learns from its images what the teacher’s term says, and nothing else', async () => {
    const all = await withOne(0, 1)
    expect(all.terms.map(Math.abs)).toEqual([0, 0])
    expect(all.sum).toBeGreaterThan(0)
    expect(all.sum).toBeLessThan(10 * 0.5)
    expect(all.slope.every(Number.isFinite)).toBe(true)
    expect(all.slope.some((v) => v !== 0)).toBe(true)
  })

  it('has the measured image’s terms beside the teacher’s, in a batch of both', async () => {
    const [both, measured] = [await withOne(1), await withOne()]
    expect(both.terms.every((term) => term > 0)).toBe(true)
    expect(both.terms).not.toEqual(measured.terms)
    expect(both.slope.every(Number.isFinite)).toBe(true)
  })
})
