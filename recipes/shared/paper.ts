/**
 * The paper's training (Wang et al., CVPR 2025; algorithm section 9: AdamW, 3e-5 → 5e-4 and down, batch 16, 25 epochs)
 * on its two data sets, for any of its models. The recipes nyu-dar-* and kitti-dar-* are calls of these functions.
 *
 * What the paper leaves open is decided here. The rate rises over the first half of the updates and falls over the second, to
 * where it began. A frame is shown whole, at the nearest multiples of the patch: NYU 630×476 of 640×480, KITTI 1218×350 of the KB crop's
 * 1216×352. Augmentation: mirrored half of the time, colours, CutDepth for a quarter of the images, and nothing else. The last hundredth
 * of the training list is held out, to watch the run; the test set is not looked at.
 *
 * Depths are trained in canonical metres (image/camera.ts): 0.93 of NYU's own metres, 1.05 of KITTI's, so that the range of 80 m ends
 * at 76 m of KITTI's.
 */
import { PRESETS, parseConfig } from '../../src/model/index.ts'
import type { DatasetData, Recipe } from '../../src/train/index.ts'

const EPOCHS = 25
const BATCH = 16

/** The paper's models, by the ends of their names. */
export type PaperModel = 'small' | 'base' | 'large' | 'lite'

interface Corpus {
  readonly name: string
  readonly title: string
  /** Frames of the training list. */
  readonly frames: number
  readonly data: DatasetData
  readonly width: number
  readonly height: number
  /** Metres. */
  readonly range: { readonly dMin: number; readonly dMax: number }
}

const HELD_OUT = { kind: 'tail', fraction: 0.01 } as const

/** NYU Depth v2 as BTS unpacked it, 24,231 frames of the training scenes. */
const NYU: Corpus = {
  name: 'nyu',
  title: 'NYU Depth v2',
  frames: 24_231,
  data: {
    kind: 'dataset',
    name: 'nyu',
    path: 'nyu',
    weight: 1,
    options: { layout: 'nyu-folder', list: 'nyu/nyudepthv2_train_files_with_gt.txt', withoutDepth: 'drop' },
    split: HELD_OUT,
  },
  width: 630,
  height: 476,
  range: { dMin: 0.1, dMax: 10 },
}

/** The Eigen split of KITTI with annotated depth, 23,158 frames. */
const KITTI: Corpus = {
  name: 'kitti',
  title: 'KITTI',
  frames: 23_158,
  data: {
    kind: 'dataset',
    name: 'kitti',
    path: 'kitti',
    weight: 1,
    options: { layout: 'kitti', list: 'kitti/eigen_train_files_with_gt.txt', crop: 'kb', withoutDepth: 'drop' },
    split: HELD_OUT,
  },
  width: 1218,
  height: 350,
  range: { dMin: 0.1, dMax: 80 },
}

/** `expected`: the paper's figures of this model, or what there is instead. */
export const nyu = (model: PaperModel, expected: string): Recipe => paperRecipe(NYU, model, expected)
/** As `nyu`. */
export const kitti = (model: PaperModel, expected: string): Recipe => paperRecipe(KITTI, model, expected)

function paperRecipe(
  { name, title, frames, data, width, height, range }: Corpus,
  model: PaperModel,
  expected: string,
): Recipe {
  const updates = Math.ceil((EPOCHS * frames) / BATCH)
  return {
    name: `${name}-dar-${model}`,
    summary: `dar-${model} on ${title} as in the paper; needs the data set and GPUs`,
    expected,
    model: parseConfig({ ...PRESETS[`dar-${model}`], ...range }),
    seed: 1,
    data: [data],
    augmentation: {
      whole: 1,
      stretch: 1,
      rotation: 0,
      mirror: 0.5,
      colour: 1,
      grey: 0,
      blur: 0,
      noise: 0,
      cutDepth: 0.25,
    },
    stages: [{ width, height, batch: BATCH, updates }],
    schedule: { rate: 5e-4, initialRate: 3e-5, finalRate: 3e-5, warmup: Math.ceil(updates / 2) },
    optimiser: { beta1: 0.9, beta2: 0.999, weightDecay: 0.1 },
    validateEvery: Math.ceil(frames / BATCH),
    checkpointMinutes: 30,
  }
}
