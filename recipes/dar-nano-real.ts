/**
 * The third part of dar-nano's training: at a low rate and mostly on real frames. `dar-nano` goes on from its weights after
 * update 160, at a rate of 6e-5; what was tried after it (docs/log) did not help.
 *
 *     dar train dar-nano-real --data DATA --weights runs/dar-nano-grow/model.safetensors --out runs/dar-nano-real
 */
import { REAL_SPLITS } from '../src/data/index.ts'
import { PRESETS, parseConfig } from '../src/model/index.ts'
import type { Recipe } from '../src/train/index.ts'

const recipe: Recipe = {
  name: 'dar-nano-real',
  summary: 'the third part of dar-nano: 12 minutes on two cores of an AMD EPYC that had other work to do',
  expected: 'held-out frames after 120 updates: abs_rel 0.145 (rgbdd), 0.237 (hololens), 0.091 (kitchen)',
  model: parseConfig({ ...PRESETS['dar-nano'], finalNorm: false, window: 'elastic' }),
  seed: 3,
  data: [
    { kind: 'rooms', seed: 30, weight: 1, width: 320, height: 240, reuse: 4, validation: 24 },
    { kind: 'folder', name: 'rgbdd', path: 'rgbdd', weight: 3, split: REAL_SPLITS.rgbdd },
    { kind: 'folder', name: 'hololens', path: 'hololens', weight: 3, split: REAL_SPLITS.hololens },
    { kind: 'folder', name: 'kitchen', path: 'kitchen', weight: 1.5, split: REAL_SPLITS.kitchen },
  ],
  augmentation: { whole: 0.5, minScale: 0.8, rotation: 2, colour: 0.5, blur: 0.1, noise: 0.2 },
  stages: [{ height: 192, width: 256, batch: 8, updates: 360, validationBatch: 4, portraitEvery: 8, varianceFocus: 0 }],
  schedule: { rate: 1e-4, initialRate: 1e-5, finalRate: 2e-6, warmup: 15 },
  optimiser: { weightDecay: 0.1, clip: 5, ema: 0.99, multipliers: { 'encoder.': 0.3 } },
  validateEvery: 120,
  checkpointMinutes: 5,
}

export default recipe
