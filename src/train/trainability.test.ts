/**
 * Trainability, tested rather than hoped for: a tiny DAR with the encoder and the output of dar-nano learns four rooms by
 * heart, through PNG files, loader, gradient and optimiser. A wrong gradient, a window that cuts off the truth or a label
 * on the wrong scale shows here first.
 */
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { lossTermCount, parseConfig } from '../model/index.ts'
import { NO_AUGMENTATION, TINY_MODEL, tinyRecipe, writeRooms } from './testing.ts'
import { train } from './trainer.ts'

const UPDATES = 100

const recipe = tinyRecipe({
  model: TINY_MODEL,
  augmentation: NO_AUGMENTATION,
  // All four rooms in every batch, so that losses compare.
  stages: [{ height: 64, width: 96, batch: 4, updates: UPDATES }],
  schedule: { rate: 3e-3, initialRate: 3e-4, finalRate: 1e-4, warmup: 10 },
  optimiser: { weightDecay: 0, clip: 5 },
})

const SOFT = {
  window: 'soft',
  leaves: 16,
  upsample: 'convex',
  neckFeatures: 16,
  fine: true,
  binGrid: 'halved',
} as const

describe('a tiny dar', () => {
  let data = ''
  beforeAll(async () => {
    data = await temporaryFolder()
    await writeRooms(join(data, 'rooms'), { count: 4, width: 96, height: 64 })
  })

  it('learns four rooms by heart: the loss and each of its terms fall under a fifth of their start', async () => {
    const losses: (readonly number[])[] = []
    const result = await train(recipe, {
      data,
      out: join(data, 'run'),
      onEvent: (event) => {
        if (event.event === 'step') losses.push([event.loss, ...event.terms])
      },
    })
    expect(losses).toHaveLength(UPDATES)
    const end = losses[0].map((_, k) => losses.slice(-5).reduce((sum, one) => sum + one[k] / 5, 0))
    console.info(`loss ${losses[0][0].toFixed(2)} → ${end[0].toFixed(2)} in ${result.seconds.toFixed(0)} s`)
    end.forEach((value, k) => {
      expect(value, k === 0 ? 'loss' : `term of step ${k}`).toBeLessThan(losses[0][k] / 5)
    })
  }, 300_000)

  // The tree of ord2seq learns its far bits after its near ones, and takes longer.
  it.each([
    ['the soft tree of dar-nano', 30, 3e-3, SOFT],
    ['the head dpt', 30, 3e-3, { head: 'dpt', dptNorm: true, neckFeatures: 16 }],
    ['the head dorn', 30, 3e-3, { head: 'dorn' }],
    ['the head ord2seq', 70, 6e-3, { head: 'ord2seq' }],
  ] as const)(
    'with %s instead learns from the same loop',
    async (name, updates, rate, fields) => {
      const model = parseConfig({ ...TINY_MODEL, ...fields })
      const losses: number[] = []
      const stages = [{ height: 64, width: 96, batch: 4, updates }]
      await train(
        { ...recipe, model, stages, schedule: { ...recipe.schedule, rate } },
        {
          data,
          out: join(data, name.replaceAll(' ', '-')),
          onEvent: (event) => {
            if (event.event !== 'step') return
            losses.push(event.loss)
            expect(event.terms).toHaveLength(lossTermCount(model))
          },
        },
      )
      const end = losses.slice(-5).reduce((sum, loss) => sum + loss / 5, 0)
      console.info(`${name}: loss ${losses[0].toFixed(2)} → ${end.toFixed(2)}`)
      expect(end).toBeLessThan((losses[0] * 2) / 3)
    },
    300_000,
  )
})
