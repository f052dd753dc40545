/**
 * The next dar-nano: MobileNetV2, a soft tree whose steps each have a grid of their own, a last convolution at the image's size. The
 * model that ships is older and of another shape (its card says how it was made). First on rendered rooms only, by
 * `scripts/designs.ts`, then on every set at three shapes in turn:
 *
 *     npx tsx scripts/designs.ts compare --encoder mobilenetv2_imagenet.safetensors --data DATA halved
 *     dar train dar-nano --data DATA --weights runs/designs/compare-halved-5/model.safetensors --out runs/dar-nano
 *
 * There have been five runs so far (docs/log/dar-nano). The first did 804 updates without `hiddenNorm`, with crops down to a half and
 * nothing frozen. The second began with its weights and did 2,400 updates with crops down to 0.6 and a third of the pictures whole, in 120
 * minutes on two cores that did much else. The third, with a teacher, was thrown away. The fourth began with the second's weights and did
 * 640 updates, most pictures whole. The fifth is below: from the fourth's weights, with a teacher whose term was mended, 124 minutes on one
 * core. models/dar-nano-next has its weights and their figures. To go on: `--weights models/dar-nano-next/model.safetensors`.
 *
 * DATA holds the sets named below, each with rgb/ and depth/; what is held out of each is in src/data/real-splits.ts. DATA/rooms is what
 * `dar data make rooms --count 1200 --seed 70000` writes, DATA/furniture holds the .sh3f files of Debian's sweethome3d-furniture, DATA/taught
 * is what scripts/teacher.ts writes for photos of homes. `npx tsx scripts/agreement.ts --photos DATA/taught MODEL` is to be looked at early.
 */
import { SPLITS } from '../src/data/index.ts'
import { PRESETS } from '../src/model/index.ts'
import type { DatasetData, Recipe } from '../src/train/index.ts'

const set = (name: string, weight: number): DatasetData => ({
  kind: 'dataset',
  options: { layout: 'folder' },
  name,
  path: name,
  weight,
  split: SPLITS[name],
})

// Down to a quarter of the image: edges and textures as ImageNet taught them, which is a sixth of an update saved.
const FROZEN = Object.fromEntries([0, 1, 2, 3].map((n) => [`encoder.features.${n}.`, 0]))

const recipe: Recipe = {
  name: 'dar-nano',
  summary: 'the next dar-nano, in training on two cores of an AMD EPYC that have other work to do',
  expected: 'd1 0.808 (rgbdd), 0.919 (kitchen), 0.594 (furnished) on held-out frames; see models/dar-nano-next/card.md',
  model: PRESETS['dar-nano'],
  seed: 11,
  data: [
    { kind: 'rooms', seed: 61, weight: 3, width: 320, height: 240, furniture: 'furniture', reuse: 6, validation: 24 },
    { kind: 'dataset', name: 'plain-rooms', path: 'rooms', weight: 1.2, options: { layout: 'folder' } },
    set('furnished', 2.5),
    set('rgbdd', 1.8),
    set('hololens', 1.2),
    set('kitchen', 1.2),
    set('tum', 0.9),
    set('office', 0.9),
    set('tabletop', 0.4),
    {
      ...set('taught', 1.6),
      teacher: true,
      split: { kind: 'tail', fraction: 0.04, gap: 0 },
    },
  ],
  augmentation: {
    minScale: 0.7,
    whole: 0.7,
    rotation: 5,
    grey: 0.05,
    blur: 0.2,
    noise: 0.3,
    resample: 0.4,
    jpeg: 0.3,
  },
  stages: [
    {
      height: 240,
      width: 320,
      also: [
        { height: 192, width: 256 },
        { height: 320, width: 240 },
        { height: 192, width: 256 },
      ],
      batch: 8,
      updates: 2900,
      validationBatch: 4,
      loss: { varianceFocus: 0.5, edges: 0.3, teacher: 0.05 },
    },
  ],
  schedule: { rate: 4e-4, initialRate: 3e-5, finalRate: 1e-5, warmup: 60 },
  optimiser: { weightDecay: 0.05, clip: 5, ema: 0.998, multipliers: { ...FROZEN, 'encoder.': 0.3 } },
  validateEvery: 725,
  checkpointMinutes: 5,
}

export default recipe
