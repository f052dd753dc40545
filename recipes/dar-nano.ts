/**
 * dar-nano: MobileNetV2, a soft tree whose steps each have a grid of their own, weighed once more at a quarter of the image, and convex upsampling
 * from there. First on rendered rooms only, by `scripts/designs.ts`, then on every set at three shapes in turn:
 *
 *     npx tsx scripts/designs.ts compare --encoder mobilenetv2_imagenet.safetensors --data DATA halved-convex
 *     dar train dar-nano --data DATA --weights runs/designs/compare-halved-convex-5/model.safetensors --out runs/dar-nano
 *
 * There have been fourteen runs (docs/log/dar-nano has each, two of them thrown away), the first twelve of them with a last convolution at the image's size in place of
 * convex upsampling (`detail: true, upsample: 'bilinear'`). The fifth, of 2,900 updates from the fourth's weights, had the teacher with its
 * term mended, three of the weights below lower and `edges` 0.3. The eighth, 1,720 updates with seed 14, began where the seventh stood after
 * 589; the ninth, 2,700 with seed 15, at the mean of the fifth's and the eighth's weights; the tenth, 2,100 with seed 16 and the first with the term of the bins, at the
 * mean of the ninth's end and start; the eleventh, 708 of 2,400 with seed 17, at the mean of the tenth's end and start. The twelfth, 2,250 with seed 18
 * from where the eleventh stood, had 1,200 plain rooms of a folder (`dar data make rooms --count 1200 --seed 70000`), as all before. The thirteenth, 3,400 with seed 19, rooms of
 * seeds 61 and 62 and a rate of 4e-4, had `teacher: 0.05` without `teacherFit` until its update 1,257, as the fifth and those after it. It began at the mean of the twelfth's end
 * and the model that the eleventh began with, in which everything but `upsample` was trained already. The fourteenth is below. It began at the mean of the thirteenth's end, its
 * update 2,000 and the model that it began with (scripts/average.ts --shared). models/dar-nano is the mean of its end, that mean and the thirteenth's update 2,000.
 *
 * DATA holds the sets named below, each with rgb/ and depth/; what is held out of each is in src/data/real-splits.ts. DATA/furniture holds the .sh3f files of Debian's sweethome3d-furniture, DATA/taught
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
  summary: 'the model that ships, trained on two cores of an AMD EPYC that had other work to do',
  expected:
    'd1 0.783 (rgbdd), 0.929 (kitchen), 0.614 (furnished) on held-out frames; the mean of its weights and those before is better, see models/dar-nano/card.md',
  model: PRESETS['dar-nano'],
  seed: 20,
  data: [
    { kind: 'rooms', seed: 63, weight: 4, width: 320, height: 240, furniture: 'furniture', reuse: 6, validation: 24 },
    { kind: 'rooms', name: 'plain-rooms', seed: 64, weight: 2.7, width: 320, height: 240, reuse: 2 },
    set('furnished', 3),
    set('rgbdd', 1.5),
    set('hololens', 1.4),
    set('kitchen', 1.2),
    set('tum', 0.1),
    set('office', 0.1),
    set('tabletop', 0.2),
    {
      ...set('taught', 2),
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
      updates: 2400,
      validationBatch: 4,
      loss: { varianceFocus: 0.5, edges: 0.6, bins: 0.3, teacher: 0.2, teacherFit: 'scale' },
    },
  ],
  schedule: { rate: 2.5e-4, initialRate: 3e-5, finalRate: 1e-5, warmup: 30 },
  optimiser: { weightDecay: 0.05, clip: 5, ema: 0.998, multipliers: { ...FROZEN, 'encoder.': 0.3, 'upsample.': 2 } },
  validateEvery: 600,
  checkpointMinutes: 5,
}

export default recipe
