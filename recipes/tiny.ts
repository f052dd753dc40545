/**
 * tiny: a whole training run in a few minutes and without any data: a small dar on procedural rooms. For a first try of
 * `dar train`, and for trying changes of the trainer; the model is of no use.
 *
 *     dar train tiny
 */
import { parseConfig } from '../src/model/index.ts'
import type { Recipe } from '../src/train/index.ts'

const recipe: Recipe = {
  name: 'tiny',
  summary: 'a first try: a small dar on procedural rooms, no data needed',
  expected: 'loss from 20 to 14, abs_rel about 0.5 on unseen rooms; 60 s of CPU time',
  model: parseConfig({
    encoder: 'mobilenetv2',
    encoderMultiplier: 0.25,
    neckFeatures: 8,
    memoryWidth: 32,
    layers: 1,
    width: 32,
    heads: 2,
    steps: 3,
    bins: 8,
    gruWidth: 16,
    expand: 2,
    context: true,
    finalNorm: true,
    upsample: 'convex',
  }),
  seed: 1,
  data: [{ kind: 'rooms', seed: 20, weight: 1, width: 128, height: 96, reuse: 8, validation: 16 }],
  stages: [{ height: 64, width: 96, batch: 8, updates: 240 }],
  schedule: { rate: 3e-3, initialRate: 3e-4, finalRate: 3e-5, warmup: 20 },
  optimiser: { weightDecay: 0.01, clip: 5, ema: 0.98 },
  validateEvery: 60,
  checkpointMinutes: 2,
}

export default recipe
