/**
 * Pictures of a few validation images, so that one can see what a run has learnt: the photo, the measured depth and the map of every
 * step. They lie in the run's folder, one folder a validation, which appears whole or not at all:
 *
 *     pictures/update-000120/index.json       what the pictures show (`PictureIndex`)
 *     pictures/update-000120/0-photo.jpg      and 0-truth.jpg, 0-step1.jpg …
 *
 * The colours are those of every depth picture (image/colormap.ts), over one range for the whole run, so that a colour means the
 * same distance in all of them. Only the last validations are kept.
 */
import { existsSync } from 'node:fs'
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { colourise } from '../image/index.ts'
import type { RgbImage } from '../image/types.ts'
import { encodeJpegRgb } from '../node/index.ts'
import { cannotWrite } from '../support/cannot-write.ts'
import { DarError } from '../support/errors.ts'
import { makeFolder } from '../support/folders.ts'
import { sweepOnce, temporaryBeside } from '../support/temporary.ts'

/** Validations whose pictures are kept. */
const KEPT = 3

/** A validation image and what the model says of it. Arrays are row-major, at the network's size. */
export interface SeenImage {
  readonly set: string
  /** Of the frame. */
  readonly name: string
  /** Which of the `images` of its set it is, from 0. */
  readonly index: number
  readonly images: number
  /** 3·H·W, RGB in [0, 1]. */
  readonly image: Float32Array
  /** H·W, canonical metres, 0 where nothing was measured. */
  readonly depth: Float32Array
  /** Canonical metres per metre. */
  readonly scale: number
  /** Of every step, H·W, canonical metres. */
  readonly maps: readonly Float32Array[]
  /** abs_rel of every step. */
  readonly abs_rel: readonly number[]
}

const indexSchema = z.object({
  step: z.int().min(0),
  /** Metres at the ends of the colours. */
  near: z.number(),
  far: z.number(),
  width: z.int().positive(),
  height: z.int().positive(),
  images: z.array(z.object({ set: z.string(), name: z.string(), abs_rel: z.array(z.number()) })).readonly(),
})
/** What the pictures of one validation show. Image i has the files `pictureFile(i, …)`. */
export type PictureIndex = Readonly<z.infer<typeof indexSchema>>

/** The name of a picture of image `image`; steps count from 1. */
export const pictureFile = (image: number, what: 'photo' | 'truth' | `step${number}`): string => `${image}-${what}.jpg`

/** The names of all pictures of a validation. */
export function pictureFiles({ images }: PictureIndex): string[] {
  return images.flatMap(({ abs_rel }, i) => [
    pictureFile(i, 'photo'),
    pictureFile(i, 'truth'),
    ...abs_rel.map((_, k) => pictureFile(i, `step${k + 1}`)),
  ])
}

/** The folder of a run's pictures. */
export const picturesPath = (run: string): string => join(run, 'pictures')

/** The name of the folder of one validation. */
export const validationFolder = (step: number): string => `update-${String(step).padStart(6, '0')}`

const FOLDER = /^update-(\d{6,})$/

/** Makes the pictures of `count` images, taken evenly from the sets and within each. */
export class Pictures {
  private readonly seen: SeenImage[] = []

  constructor(
    private readonly run: string,
    private readonly options: {
      readonly count: number
      /** Names of the validation sets. */
      readonly sets: readonly string[]
      readonly width: number
      readonly height: number
      /** The model's range, canonical metres. */
      readonly dMax: number
    },
  ) {}

  /** For the validator: keeps an image if it is one of those that are shown. */
  readonly look = (image: SeenImage): void => {
    const { count, sets } = this.options
    const at = sets.indexOf(image.set)
    const wanted = Math.min(image.images, Math.floor(count / sets.length) + (at < count % sets.length ? 1 : 0))
    const chosen = Array.from({ length: wanted }, (_, i) => Math.floor((i * image.images) / wanted))
    if (chosen.includes(image.index)) this.seen.push(image)
  }

  /** Writes what was kept as the pictures after update `step`, and removes old ones. Throws a DarError that names the folder. */
  async write(step: number): Promise<void> {
    const all = picturesPath(this.run)
    const folder = join(all, validationFolder(step))
    const temporary = temporaryBeside(folder)
    try {
      await makeFolder(temporary)
      sweepOnce(all)
      for (const [name, bytes] of await this.files(step)) await writeFile(join(temporary, name), bytes)
      await rm(folder, { recursive: true, force: true }) // of a session before, which was killed after it
      await rename(temporary, folder)
      await removeOld(all, step)
    } catch (error) {
      await rm(temporary, { recursive: true, force: true }).catch(() => {})
      throw error instanceof DarError ? error : cannotWrite(folder, error)
    }
  }

  private async files(step: number): Promise<[name: string, bytes: Uint8Array | string][]> {
    const { width, height, dMax } = this.options
    const range = { near: dMax > 20 ? 2 : 0.3, far: dMax }
    const images = this.seen.map(({ set, name, abs_rel }) => ({ set, name, abs_rel: [...abs_rel] }))
    const index: PictureIndex = { step, ...range, width, height, images }
    const files: [string, Uint8Array | string][] = [['index.json', JSON.stringify(index)]]
    for (const [i, { image, depth, scale, maps }] of this.seen.entries()) {
      const inMetres = (map: Float32Array) => ({ width, height, data: map.map((d) => d / scale) })
      const jpeg = (map: Float32Array) => encodeJpegRgb(colourise(inMetres(map), range))
      files.push([pictureFile(i, 'photo'), await encodeJpegRgb(photoOf(image, width, height))])
      files.push([pictureFile(i, 'truth'), await jpeg(depth)])
      for (const [k, map] of maps.entries()) files.push([pictureFile(i, `step${k + 1}`), await jpeg(map)])
    }
    return files
  }
}

/** From planes to pixels. */
function photoOf(planes: Float32Array, width: number, height: number): RgbImage {
  const pixels = width * height
  const data = Uint8Array.from({ length: 3 * pixels }, (_, i) => {
    const value = planes[(i % 3) * pixels + Math.floor(i / 3)]
    return Math.round(255 * Math.min(1, Math.max(0, value)))
  })
  return { width, height, data }
}

/** What is older than the last few, and what is of updates that a resumed run has not done yet. */
async function removeOld(all: string, step: number): Promise<void> {
  const steps = await stepsIn(all)
  const early = steps.filter((one) => one <= step)
  for (const one of [...steps.filter((one) => one > step), ...early.slice(0, -KEPT)])
    await rm(join(all, validationFolder(one)), { recursive: true, force: true })
}

/** In rising order. */
async function stepsIn(all: string): Promise<number[]> {
  const names = existsSync(all) ? await readdir(all) : []
  return names
    .flatMap((name) => FOLDER.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
}

/** What pictures a run's folder has, oldest first. A folder whose index cannot be read is left out: it is being removed. */
export async function readPictures(run: string): Promise<PictureIndex[]> {
  const all = picturesPath(run)
  const indices = await Promise.all(
    (await stepsIn(all)).map(async (step) => {
      const text = await readFile(join(all, validationFolder(step), 'index.json'), 'utf8').catch(() => null)
      return text === null ? [] : [parseIndex(text)]
    }),
  )
  return indices.flat().filter((index) => index !== null)
}

function parseIndex(text: string): PictureIndex | null {
  try {
    return indexSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}
