/**
 * The second part of dar-nano's training: 256×192, with elastic windows. A window centred on the depth before repeats that
 * depth when its bins are equally likely, so a later step has nothing to lose; `paper` windows made step 2 worse than step 1.
 * Its second stage weighs a common error of scale in full and shows more frames whole.
 *
 *     dar train dar-nano-grow --data DATA --weights runs/dar-nano-start/model.safetensors --out runs/dar-nano-grow
 *
 * The run behind the shipped weights was stopped at update 1,364, at a rate of 7e-5, to go on with `dar-nano`.
 */
import { REAL_SPLITS } from '../src/data/index.ts'
import { PRESETS, parseConfig } from '../src/model/index.ts'
import type { Recipe } from '../src/train/index.ts'

const size = { height: 192, width: 256, batch: 8, validationBatch: 4, portraitEvery: 6 }

const recipe: Recipe = {
  name: 'dar-nano-grow',
  summary: 'dar-nano at 256×192: 105 minutes on two cores of an AMD EPYC that had other work to do',
  expected: 'held-out frames after 1,350 updates: abs_rel 0.146 (rgbdd), 0.235 (hololens), 0.092 (kitchen)',
  model: parseConfig({ ...PRESETS['dar-nano'], finalNorm: false, window: 'elastic' }),
  seed: 2,
  data: [
    { kind: 'rooms', seed: 20, weight: 2.5, width: 320, height: 240, reuse: 6, validation: 24 },
    { kind: 'folder', name: 'rgbdd', path: 'rgbdd', weight: 3, split: REAL_SPLITS.rgbdd },
    { kind: 'folder', name: 'hololens', path: 'hololens', weight: 2.5, split: REAL_SPLITS.hololens },
    { kind: 'folder', name: 'kitchen', path: 'kitchen', weight: 1.5, split: REAL_SPLITS.kitchen },
  ],
  stages: [
    { ...size, updates: 1050 },
    {
      ...size,
      updates: 600,
      varianceFocus: 0,
      augmentation: { whole: 0.5, minScale: 0.8, rotation: 2, colour: 0.5, blur: 0.1, noise: 0.2 },
    },
  ],
  schedule: { rate: 4e-4, initialRate: 3e-5, finalRate: 5e-6, warmup: 60 },
  optimiser: { weightDecay: 0.1, clip: 5, ema: 0.995, multipliers: { 'encoder.': 0.3 } },
  validateEvery: 150,
  checkpointMinutes: 5,
}

export default recipe
