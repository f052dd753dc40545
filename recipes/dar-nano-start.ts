/**
 * The first part of dar-nano's training: MobileNetV2 encoder (ImageNet), procedural rooms mixed with three small sets of
 * real frames, images of 128×96, where a batch costs a quarter of what it costs at 256×192. `dar-nano` goes on from here.
 *
 *     dar train dar-nano-start --data DATA --encoder mobilenetv2_imagenet.safetensors --out runs/dar-nano-start
 *
 * DATA holds rgbdd/, hololens/ and kitchen/, each with rgb/ and depth/.
 */
import { REAL_SPLITS } from '../src/data/index.ts'
import { PRESETS, parseConfig } from '../src/model/index.ts'
import type { Recipe } from '../src/train/index.ts'

const recipe: Recipe = {
  name: 'dar-nano-start',
  summary: 'where dar-nano starts: 65 minutes on two cores of an AMD EPYC that had other work to do',
  expected: 'held-out frames, whole image, no alignment: abs_rel 0.145 (rgbdd), 0.231 (hololens), 0.135 (kitchen)',
  model: parseConfig({ ...PRESETS['dar-nano'], finalNorm: false }),
  seed: 1,
  data: [
    { kind: 'rooms', seed: 10, weight: 3, width: 256, height: 192, reuse: 10, validation: 24 },
    { kind: 'folder', name: 'rgbdd', path: 'rgbdd', weight: 3, split: REAL_SPLITS.rgbdd },
    { kind: 'folder', name: 'hololens', path: 'hololens', weight: 2, split: REAL_SPLITS.hololens },
    { kind: 'folder', name: 'kitchen', path: 'kitchen', weight: 1.5, split: REAL_SPLITS.kitchen },
  ],
  stages: [
    { height: 96, width: 128, batch: 16, updates: 624, validationBatch: 8 },
    { height: 96, width: 128, batch: 16, updates: 436, validationBatch: 8, portraitEvery: 5 },
  ],
  schedule: { rate: 7e-4, initialRate: 3e-5, finalRate: 1e-5, warmup: 100 },
  optimiser: { weightDecay: 0.1, clip: 5, ema: 0.998, multipliers: { 'encoder.': 0.3 } },
  validateEvery: 100,
  checkpointMinutes: 5,
}

export default recipe
