import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { live } from '../runtime/engine.ts'
import { sessionOf, tinyRecipe, writeRooms } from './testing.ts'

vi.setConfig({ testTimeout: 300_000 })

describe('a run in micro-batches', () => {
  let data = ''
  beforeAll(async () => {
    data = await temporaryFolder()
    await writeRooms(join(data, 'rooms'), { count: 4, width: 64, height: 32 })
  })
  afterEach(() => {
    expect(live).toEqual({ engines: 0, programs: 0, buffers: 0 })
  })

  /** From two sources, one of them rooms that are rendered; images skip branches at random. */
  const recipe = (accumulate?: number) =>
    tinyRecipe({
      data: [
        { kind: 'dataset', name: 'folder', path: 'rooms', weight: 1 },
        { kind: 'rooms', seed: 3, weight: 1, width: 64, height: 32 },
      ],
      stages: [{ height: 32, width: 64, batch: 4, accumulate, updates: 3, dropPath: 0.3, loss: { exact: true } }],
      optimiser: { epsilon: 1e-4 },
    })
  const run = (name: string, accumulate?: number, options: Partial<Parameters<typeof sessionOf>[1]> = {}) =>
    sessionOf(recipe(accumulate), { data, out: join(data, name), ...options })

  it('has the losses of the run in whole batches to 1e-6, and is the same bit for bit when stopped and resumed', async () => {
    const whole = await run('whole')
    const parts = await run('parts', 2, { loading: { workers: 2, prefetch: 1 } })
    expect(new Set(whole.losses).size).toBe(3)
    for (const [i, loss] of whole.losses.entries()) expect(Math.abs(parts.losses[i] / loss - 1)).toBeLessThan(1e-6)
    const first = await run('stopped', 2, { stopAfter: 2 })
    const second = await run('stopped', 2, { resume: true })
    expect([...first.figures, ...second.figures]).toEqual(parts.figures)
    expect(second.values).toEqual(parts.values)
  })
})
