/**
 * The fourth part of dar-nano's training. The context shows a step the memory at the size of its token map only
 * (`contextGrid: 'step'`); before, step 1 saw all of it, and depth was level from step 1 to 5.
 *
 *     dar train dar-nano-steps --data DATA --weights runs/dar-nano-real/model.safetensors --out runs/dar-nano-steps
 */
import { REAL_SPLITS } from '../src/data/index.ts'
import { PRESETS, parseConfig } from '../src/model/index.ts'
import type { Recipe } from '../src/train/index.ts'

const recipe: Recipe = {
  name: 'dar-nano-steps',
  summary: 'the fourth part of dar-nano: 86 minutes on two cores of an AMD EPYC that had other work to do',
  expected: 'held-out frames, whole image, no alignment: abs_rel 0.142 (rgbdd), 0.221 (hololens), 0.090 (kitchen)',
  model: parseConfig({ ...PRESETS['dar-nano'], finalNorm: false, window: 'elastic', contextGrid: 'step' }),
  seed: 4,
  data: [
    { kind: 'rooms', seed: 40, weight: 1.5, width: 320, height: 240, reuse: 8, validation: 24 },
    { kind: 'folder', name: 'rgbdd', path: 'rgbdd', weight: 3, split: REAL_SPLITS.rgbdd },
    { kind: 'folder', name: 'hololens', path: 'hololens', weight: 2.5, split: REAL_SPLITS.hololens },
    { kind: 'folder', name: 'kitchen', path: 'kitchen', weight: 1.5, split: REAL_SPLITS.kitchen },
  ],
  augmentation: { whole: 0.4, minScale: 0.75, rotation: 2, colour: 0.6, blur: 0.1, noise: 0.2 },
  stages: [
    { height: 192, width: 256, batch: 8, updates: 500, validationBatch: 4, portraitEvery: 8, varianceFocus: 0.5 },
    { height: 192, width: 256, batch: 8, updates: 450, validationBatch: 4, portraitEvery: 8, varianceFocus: 0 },
  ],
  schedule: { rate: 2.5e-4, initialRate: 2e-5, finalRate: 2e-6, warmup: 30 },
  optimiser: { weightDecay: 0.1, clip: 5, ema: 0.99, multipliers: { 'encoder.': 0.3 } },
  validateEvery: 100,
  checkpointMinutes: 5,
}

export default recipe
