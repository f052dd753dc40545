/**
 * How far a model's metres move when only the light of a photo changes: each photo is predicted as it is and after each change, and a row has
 * the geometric mean of median(changed)/median(as it is). 1.00 is a model that does not care.
 *
 *     npx tsx scripts/light.ts --model MODEL [--images 24] FOLDER …
 *
 * Each FOLDER is a data set in the folder layout; of sets with a hold-out (real-splits.ts) only the training side is read, so that nothing is
 * chosen by the frames that are reported.
 */
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import sharp, { type Sharp } from 'sharp'
import { folderDataset, SPLITS, splitNames } from '../src/data/index.ts'
import type { RgbImage } from '../src/image/index.ts'
import { loadModel } from '../src/node/index.ts'
import type { DepthModel } from '../src/predict/index.ts'
import { median } from '../src/support/median.ts'
import { few, row } from './designs/trial.ts'

const CHANGES: Readonly<Record<string, (photo: Sharp) => Sharp>> = {
  dark: (photo) => photo.modulate({ brightness: 0.6 }),
  bright: (photo) => photo.modulate({ brightness: 1.4 }),
  flat: (photo) => photo.linear(0.6, 50),
  hard: (photo) => photo.linear(1.4, -50),
  grey: (photo) => photo.modulate({ saturation: 0.2 }),
  vivid: (photo) => photo.modulate({ saturation: 1.6 }),
  warm: (photo) => photo.recomb(balance(1.2, 0.8)),
  cold: (photo) => photo.recomb(balance(0.8, 1.2)),
  blurred: (photo) => photo.blur(1.5),
  sharpened: (photo) => photo.sharpen({ sigma: 1.5 }),
}
const balance = (
  red: number,
  blue: number,
): [[number, number, number], [number, number, number], [number, number, number]] => [
  [red, 0, 0],
  [0, 1, 0],
  [0, 0, blue],
]
/** Every so many pixels count. */
const STEP = 11

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { model: { type: 'string', default: 'dar-nano' }, images: { type: 'string', default: '24' } },
})
await using model = await loadModel(values.model)
row(['set', 'images', ...Object.keys(CHANGES)])
for (const folder of positionals) {
  const name = basename(folder)
  const whole = await folderDataset(folder)
  const set = few(
    whole,
    Number(values.images),
    name in SPLITS ? splitNames(whole.names, SPLITS[name]).train : whole.names,
  )
  const logs = new Map<string, number>(Object.keys(CHANGES).map((change) => [change, 0]))
  for await (const { image, intrinsics } of set) {
    const focal = intrinsics?.fx
    const before = await medianOf(model, image, focal)
    for (const [change, apply] of Object.entries(CHANGES)) {
      const after = await medianOf(model, await changed(image, apply), focal)
      logs.set(change, (logs.get(change) ?? 0) + Math.log(after / before) / set.length)
    }
  }
  row([name, set.length, ...[...logs.values()].map((mean) => Math.exp(mean).toFixed(2))])
}

async function changed({ width, height, data }: RgbImage, apply: (photo: Sharp) => Sharp): Promise<RgbImage> {
  const photo = sharp(data, { raw: { width, height, channels: 3 } })
  return { width, height, data: new Uint8Array(await apply(photo).raw().toBuffer()) }
}

async function medianOf(of: DepthModel, image: RgbImage, focal: number | undefined): Promise<number> {
  const { depth } = await of.predict(image, { focal })
  return median(Array.from({ length: Math.ceil(depth.length / STEP) }, (_, i) => depth[i * STEP]))
}
