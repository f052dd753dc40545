/**
 * A student of half dar-nano's parameters (1.7 of 3.45 million), distilled on rendered rooms from the weights in training. Its start is cut out
 * of the teacher: five eighths of the encoder's channels, one block of the decoder, the rest as it is.
 *
 *     npx tsx scripts/student.ts models/dar-nano-next/model.safetensors runs/half.safetensors
 *     mkdir -p DATA/teachers && cp models/dar-nano-next/model.safetensors DATA/teachers/
 *     dar train dar-nano-half --data DATA --weights runs/half.safetensors --out runs/dar-nano-half --minutes 30 --threads 1
 *
 * DATA/furniture holds the .sh3f files of Debian's sweethome3d-furniture. The rooms held out are those of dar-nano's card, so that the
 * figures compare: its teacher has abs_rel 0.233 there. Another teacher: `--set distil.teacher=FILE`, relative to DATA.
 */
import { flatConfig, PRESETS, parseConfig } from '../src/model/index.ts'
import type { Recipe } from '../src/train/index.ts'

const recipe: Recipe = {
  name: 'dar-nano-half',
  summary: 'half of dar-nano, distilled from it on rendered rooms',
  expected: 'not known: to be within a tenth of its teacher, abs_rel 0.256 on held-out rooms',
  model: parseConfig({ ...flatConfig(PRESETS['dar-nano']), encoderMultiplier: 0.625, layers: 1 }, 'dar-nano-half'),
  seed: 12,
  data: [
    { kind: 'rooms', seed: 61, weight: 1, width: 320, height: 240, furniture: 'furniture', reuse: 6, validation: 24 },
  ],
  distil: { teacher: 'teachers/model.safetensors', bins: 1, maps: 0.05 },
  augmentation: { minScale: 0.8, whole: 0.8, rotation: 3, grey: 0.05, blur: 0.2, noise: 0.3, jpeg: 0.2 },
  stages: [
    {
      height: 240,
      width: 320,
      also: [
        { height: 192, width: 256 },
        { height: 192, width: 256 },
        { height: 192, width: 256 },
      ],
      batch: 8,
      updates: 800,
      validationBatch: 4,
      loss: { varianceFocus: 0.5, edges: 0.3 },
    },
  ],
  schedule: { rate: 1e-3, initialRate: 1e-4, finalRate: 1e-5, warmup: 40 },
  optimiser: { weightDecay: 0.02, clip: 5, ema: 0.99 },
  validateEvery: 200,
  checkpointMinutes: 5,
}

export default recipe
