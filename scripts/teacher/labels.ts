/**
 * Photos without depth, labelled with the depth that a teacher (another network) predicts, as a folder data set (src/data/folder.ts):
 *
 *     rgb/NAME.png   depth/NAME.png (millimetres)   meta.json (names the teacher)
 *
 * Each photo is cropped to the part that the teacher predicts, so that every pixel has a depth, and then resized to at most 512 pixels
 * a side. The depth is the mean of two predictions: of the photo and of its mirror image. The camera is unknown; a recipe
 * with `teacher: true` does not need it. Of each photo the depth is written first and the picture last. So a photo is done when its
 * picture exists, and an interrupted run goes on with the first one that is not.
 */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { readJson } from '../../src/data/json.ts'
import type { Frame, NamedDataset } from '../../src/data/types.ts'
import { mirrored } from '../../src/eval/input.ts'
import type { Predictor } from '../../src/eval/prediction.ts'
import { resizeBilinear, toPlanes } from '../../src/image/resize.ts'
import type { DepthImage, RgbImage } from '../../src/image/types.ts'
import { encodeDepthPng, encodePngRgb } from '../../src/node/png16.ts'
import { assert, DarError } from '../../src/support/errors.ts'
import { namesIn, writeFileAtomically } from '../../src/support/files.ts'

/** Pixels of the longer side of a picture. */
const LONGEST = 512
/** Metres. Smaller predictions are wrong, and their large inverse depth would outweigh the rest of the picture; they become 0 (none). */
const NEAREST = 0.1

export interface Teacher {
  readonly name: string
  /** SHA-256 of its weights. */
  readonly weights: string
  readonly predict: Predictor
}

export interface LabelOptions {
  /** Delete existing labels (of a teacher only) and start again. Default: label what has no label yet. */
  readonly force?: boolean
  /** Called after every photo that was labelled. `resumed` is the number that had a label before. */
  readonly onProgress?: (done: number, resumed: number, photo: string) => void
}

const metaFile = z.object({
  generator: z.literal('teacher'),
  teacher: z.string(),
  weights: z.string(),
  /** Name of the folder of photos. */
  photos: z.string(),
})

/**
 * Labels every photo that has no label in `folder` yet. Returns how many were written now and how many were there before.
 * @throws DarError when the folder holds anything else, or a photo cannot be read.
 */
export async function labelPhotos(
  photos: NamedDataset,
  teacher: Teacher,
  folder: string,
  { force = false, onProgress }: LabelOptions = {},
): Promise<{ readonly written: number; readonly resumed: number }> {
  const { name, weights } = teacher
  const header = { generator: 'teacher' as const, teacher: name, weights, photos: photos.name }
  const done = await openLabels(folder, header, force)
  const resumed = photos.names.filter((photo) => done.has(photo)).length
  let written = 0
  for (const [i, photo] of photos.names.entries()) {
    if (done.has(photo)) continue
    const { image, depth } = await label(await photos.get(i), teacher.predict)
    await writeFileAtomically(join(folder, 'depth', `${photo}.png`), await encodeDepthPng(depth))
    await writeFileAtomically(join(folder, 'rgb', `${photo}.png`), await encodePngRgb(image))
    written++
    onProgress?.(resumed + written, resumed, photo)
  }
  return { written, resumed }
}

/** The part of a photo that the teacher predicts, and its depth, at the same size. */
export async function label(frame: Frame, predict: Predictor): Promise<{ image: RgbImage; depth: DepthImage }> {
  const { image } = frame
  const whole = { left: 0, top: 0, width: image.width, height: image.height }
  const [straight, turned] = [await predict(frame), await predict(mirrored(frame))]
  const { covers: box = whole } = straight
  const middle = box.left + box.width / 2
  assert(Math.abs(middle - image.width / 2) < 1e-6, 'a teacher sees the same part of the mirror image')
  assert(straight.width === turned.width && straight.height === turned.height, 'a teacher’s maps have one size')
  const mean = straight.data.map((metres, i) => {
    const x = i % straight.width
    return (metres + turned.data[i - x + straight.width - 1 - x]) / 2
  })
  const shrink = Math.min(1, LONGEST / Math.max(box.width, box.height))
  const [width, height] = [box.width, box.height].map((side) => Math.max(1, Math.round(shrink * side)))
  const data = resizeBilinear(mean, straight.width, straight.height, width, height)
  return {
    image: { width, height, data: interleaved(toPlanes(image, width, height, { crop: box })) },
    depth: { width, height, data: data.map((metres) => (metres >= NEAREST ? metres : 0)) },
  }
}

/** Planar floats in [0, 1] → RGB bytes, pixel by pixel. */
function interleaved(planes: Float32Array): Uint8Array {
  const plane = planes.length / 3
  return Uint8Array.from(planes, (_, i) => Math.round(255 * planes[(i % 3) * plane + Math.floor(i / 3)]))
}

/** Creates the folder. Returns the names of the photos that have a label in it already. */
async function openLabels(folder: string, header: z.infer<typeof metaFile>, force: boolean): Promise<Set<string>> {
  const files = await namesIn(folder)
  if (files.length > 0) {
    const found = await readMeta(folder)
    if (found === null)
      throw new DarError(`${folder} is not empty and holds no teacher's labels; choose an empty folder`)
    const other = (['teacher', 'weights', 'photos'] as const).find((key) => found[key] !== header[key])
    if (force) for (const part of ['rgb', 'depth']) await rm(join(folder, part), { recursive: true, force: true })
    else if (other)
      throw new DarError(
        `${folder} holds labels of ${other} ${found[other]}, not ${header[other]}; choose an empty folder, or --force to replace them`,
      )
  }
  const meta = {
    ...header,
    depth_scale: 1000,
    unit: 'millimetres, right up to scale and shift of the inverse',
    intrinsics: null,
  }
  for (const part of ['rgb', 'depth']) await mkdir(join(folder, part), { recursive: true })
  await writeFileAtomically(join(folder, 'meta.json'), `${JSON.stringify(meta, null, 2)}\n`)
  const depths = new Set(await readdir(join(folder, 'depth')))
  const pictures = (await readdir(join(folder, 'rgb'))).filter((file) => file.endsWith('.png') && depths.has(file))
  return new Set(pictures.map((file) => file.slice(0, -'.png'.length)))
}

async function readMeta(folder: string) {
  try {
    return await readJson(join(folder, 'meta.json'), metaFile)
  } catch (error) {
    if (error instanceof DarError) return null // of another data set
    throw error
  }
}
