/**
 * Smoothing on real frames: what it gains on a camera that stands still and costs on one that is carried about, with the shipped model.
 * Looks for the frames in $DAR_REAL_DATA or ../shared/data, and skips itself where they are not there. `scripts/video.ts`
 * measures the same on all frames; docs/video.md has the figures.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { measureStill, measureWalk } from '../../scripts/video/figures.ts'
import { loadModel } from '../../src/node/index.ts'

const root = process.env.DAR_REAL_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url))
const still = join(root, 'clips', 'static')
const walk = join(root, 'hololens')

describe('smoothing of dar-nano', () => {
  it.skipIf(!existsSync(still))(
    'at least halves the deviation over time of a camera on a stand',
    { timeout: 600_000 },
    async () => {
      await using model = await loadModel('dar-nano', { threads: 1, idle: 'sleep' })
      const { frames, deviation, stillDeviation, step } = await measureStill(model, still, { most: 40 })
      expect(frames).toBe(40)
      expect(deviation.smooth / deviation.raw).toBeLessThan(0.5)
      expect(stillDeviation.smooth / stillDeviation.raw).toBeLessThan(0.5)
      expect(step.smooth / step.raw).toBeLessThan(0.25)
    },
  )

  it.skipIf(!existsSync(walk))(
    'costs at most 3 % of abs_rel on the held-out part of a walk',
    { timeout: 600_000 },
    async () => {
      await using model = await loadModel('dar-nano', { threads: 1, idle: 'sleep' })
      const { frames, absRel } = await measureWalk(model, walk, { heldOut: true })
      expect(frames).toBe(29)
      expect(absRel.smooth / absRel.raw).toBeLessThan(1.03)
    },
  )
})
