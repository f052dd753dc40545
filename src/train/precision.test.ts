import { join } from 'node:path'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { readWeights, writeWeights } from '../runtime/weights.ts'
import { checkpointPath } from './checkpoint.ts'
import { sessionOf, TINY_MODEL, tinyRecipe, writeRooms } from './testing.ts'

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 })

let folder = ''
beforeAll(async () => {
  folder = await temporaryFolder()
  await writeRooms(join(folder, 'rooms'), { count: 4, width: 64, height: 32 })
})

const at = (name: string) => ({ data: folder, out: join(folder, name) })
const half = { precision: 'half' } as const

/** The checkpoint of a run, with another scale of the loss. */
async function rescale(name: string, scale: number): Promise<void> {
  const path = checkpointPath(join(folder, name))
  const { values, shapes, metadata } = await readWeights(path)
  const named = [...values].map(([name, data]) => ({ name, shape: shapes.get(name) ?? [], values: data.slice() }))
  await writeWeights(path, named, { ...metadata, lossScale: JSON.stringify({ scale, good: 0 }) })
}

const scaleOf = async (name: string) =>
  JSON.parse((await readWeights(checkpointPath(join(folder, name)))).metadata.lossScale)

describe('half precision', () => {
  // A float16 has 11 bits, a relative rounding of 2⁻¹¹ = 5e-4, which a layer averages over its products and twenty layers in a row add up.
  // 1e-2 leaves room for that, and none for a gradient that is lost: without learning the losses are apart by more than a half.
  it('gives the losses of single to a hundredth over 20 updates', async () => {
    const schedule = { rate: 2e-4, initialRate: 1e-4, finalRate: 1e-5, warmup: 5 }
    const stages = [{ height: 32, width: 32, batch: 2, updates: 20 }]
    const recipe = tinyRecipe({ model: TINY_MODEL, stages, schedule })
    const single = await sessionOf(recipe, at('single'))
    const halved = await sessionOf(recipe, { ...at('half'), ...half })
    const apart = halved.losses.map((loss, i) => Math.abs(loss / single.losses[i] - 1))
    expect(Math.max(...apart)).toBeLessThan(1e-2)
    expect(Math.max(...apart)).toBeGreaterThan(1e-6) // it is not float32
    expect(await scaleOf('half')).toEqual({ scale: 4096, good: 20 })
    const [start] = halved.events
    expect(start).toMatchObject({ event: 'start', precision: 'half' })
  })

  it('resumed is bit-identical to never stopped, in micro-batches and with gradient checkpointing too', async () => {
    const stages = [{ height: 32, width: 32, batch: 2, updates: 4, accumulate: 2 }]
    const recipe = tinyRecipe({ stages, gradientCheckpointing: true })
    const whole = await sessionOf(recipe, { ...at('whole'), ...half })
    await sessionOf(recipe, { ...at('stopped'), ...half, stopAfter: 2 })
    const rest = await sessionOf(recipe, { ...at('stopped'), ...half, resume: true })
    expect(rest.figures).toEqual(whole.figures.slice(2))
    expect(rest.values).toEqual(whole.values)
    expect(await scaleOf('stopped')).toEqual({ scale: 4096, good: 4 })
    await expect(sessionOf(recipe, { ...at('stopped'), resume: true })).rejects.toThrow(
      'is of a run with other settings; this one has precision nothing instead of "half"',
    )
  })

  it('leaves out an update whose gradient overflows, halves the scale, and goes on', async () => {
    const recipe = tinyRecipe()
    await sessionOf(recipe, { ...at('over'), ...half, stopAfter: 2 })
    await rescale('over', 2 ** 24)
    const { events, result, figures, values } = await sessionOf(recipe, { ...at('over'), ...half, resume: true })
    const skipped = events.filter(({ event }) => event === 'skipped')
    expect(skipped.length).toBeGreaterThan(0)
    expect(skipped[0]).toMatchObject({ step: 2, skipped: 1 })
    expect(skipped[0]).toHaveProperty(
      'message',
      `update 2: the gradient is not finite in half precision; the loss is now scaled by ${2 ** 23}`,
    )
    expect(result).toMatchObject({ step: 6, skipped: skipped.length, reason: 'done' })
    expect(figures.map(({ step }) => step)).toEqual([2, 3, 4, 5].slice(skipped.length))
    expect((await scaleOf('over')).scale).toBe(2 ** (24 - skipped.length))
    for (const data of values.values()) expect(data.every(Number.isFinite)).toBe(true)
  })
})
