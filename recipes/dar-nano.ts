/**
 * dar-nano, the model that ships: the last part of its training, with a decoder that has begun anew. Five parts in all:
 *
 *     dar train dar-nano-start --data DATA --encoder mobilenetv2_imagenet.safetensors --out runs/dar-nano-start
 *     dar train dar-nano-grow  --data DATA --weights runs/dar-nano-start/model.safetensors --out runs/dar-nano-grow
 *     dar train dar-nano-real  --data DATA --weights runs/dar-nano-grow/model.safetensors --out runs/dar-nano-real
 *     dar train dar-nano-steps --data DATA --weights runs/dar-nano-real/model.safetensors --out runs/dar-nano-steps
 *     npx tsx scripts/revive-decoder.ts runs/dar-nano-steps/model.safetensors runs/revived.safetensors
 *     dar train dar-nano       --data DATA --weights runs/revived.safetensors --out runs/dar-nano
 *
 * In the parts before, y_out had grown until every h = tanh(…) was +1 or −1, everywhere and for every image: the transformer
 * said nothing, and no gradient reached it. `revive-decoder` starts it again; docs/log has the story.
 *
 * DATA holds rgbdd/, hololens/ and kitchen/, each with rgb/ and depth/.
 */
import { REAL_SPLITS } from '../src/data/index.ts'
import { PRESETS, parseConfig } from '../src/model/index.ts'
import type { Recipe } from '../src/train/index.ts'

const recipe: Recipe = {
  name: 'dar-nano',
  summary: 'the shipped model: the last 32 of 300 minutes on two cores of an AMD EPYC that had other work to do',
  expected: 'held-out frames, whole image, no alignment: abs_rel 0.148 (rgbdd), 0.199 (hololens), 0.086 (kitchen)',
  model: parseConfig({ ...PRESETS['dar-nano'], finalNorm: false, window: 'elastic', contextGrid: 'step' }),
  seed: 5,
  data: [
    { kind: 'rooms', seed: 50, weight: 1.5, width: 320, height: 240, reuse: 8, validation: 24 },
    { kind: 'folder', name: 'rgbdd', path: 'rgbdd', weight: 3, split: REAL_SPLITS.rgbdd },
    { kind: 'folder', name: 'hololens', path: 'hololens', weight: 2.5, split: REAL_SPLITS.hololens },
    { kind: 'folder', name: 'kitchen', path: 'kitchen', weight: 1.5, split: REAL_SPLITS.kitchen },
  ],
  augmentation: { whole: 0.5, minScale: 0.75, rotation: 2, colour: 0.6, blur: 0.1, noise: 0.2 },
  stages: [{ height: 192, width: 256, batch: 8, updates: 300, validationBatch: 4, portraitEvery: 8, varianceFocus: 0 }],
  schedule: { rate: 2.5e-4, initialRate: 2e-5, finalRate: 2e-6, warmup: 20 },
  optimiser: { weightDecay: 0.1, clip: 5, ema: 0.98, multipliers: { 'encoder.': 0.2, 'neck.': 0.5 } },
  validateEvery: 100,
  checkpointMinutes: 5,
}

export default recipe
