/**
 * Your own data: a folder of photos with depth, or of photos alone.
 *
 *     root/rgb/<name>.{jpg,jpeg,png,webp}     8-bit photos
 *     root/depth/<name>.png                   16-bit grey, value / depthScale metres along the optical axis, 0 = none
 *     root/intrinsics.json                    optional: {fx, fy, cx, cy, width, height}, or {"<name>": {…}, …}
 *     root/meta.json                          optional: {"depth_scale": …, "intrinsics": null | {…}}; other keys are free
 *
 * Intrinsics are in pixels of a `width`×`height` image, pixel centres at integers, and are scaled to the photo's size.
 * `intrinsics.json` takes precedence over `meta.json`. If `intrinsics.json` lists names, a photo that it does not list
 * has the camera of `meta.json`, or none. Frames are in the order of their names. Errors of the layout are reported
 * when the folder is opened, broken files when they are read. Left out: subfolders and other depth formats.
 */
import { readdir } from 'node:fs/promises'
import { basename, extname, join, parse, resolve } from 'node:path'
import { z } from 'zod'
import type { DepthImage, Intrinsics, RgbImage } from '../image/types.ts'
import { scaleIntrinsics } from '../image/view.ts'
import { decodeDepthPng, decodeImage } from '../node/decode.ts'
import { DarError, messageOf } from '../support/errors.ts'
import { readJson } from './json.ts'
import { namedDataset } from './named.ts'
import type { Frame, Incomplete, NamedDataset } from './types.ts'

/** Names are file names without extension, sorted. */
export type FolderDataset = NamedDataset

/** How a folder of photos and depth maps is read. */
export interface FolderOptions {
  /** Prefix of frame names; default: the folder's own name. */
  readonly name?: string
  /** Depth units per metre: 1000 for millimetres, 256 for KITTI. Default: `meta.json`, else 1000. */
  readonly depthScale?: number
  /** Metres; measurements outside become "none". */
  readonly minimum?: number
  readonly maximum?: number
  /** Only these frames, by name without extension. */
  readonly names?: readonly string[]
  /** Photos without depth: refuse the folder (default), or leave them out and note it. */
  readonly incomplete?: Incomplete
}

/** Extensions of photos, in lower case. */
export const PHOTO_EXTENSIONS: readonly string[] = ['.jpg', '.jpeg', '.png', '.webp']

const sizedIntrinsics = z.object({
  fx: z.number().positive(),
  fy: z.number().positive(),
  cx: z.number(),
  cy: z.number(),
  width: z.number().int().positive(),
  height: z.number().int().positive(),
})
type SizedIntrinsics = z.infer<typeof sizedIntrinsics>

const metaFile = z.object({
  depth_scale: z.number().positive().optional(),
  intrinsics: sizedIntrinsics.nullable().optional(),
})
const intrinsicsFile = z.union([sizedIntrinsics, z.record(z.string(), sizedIntrinsics)])

/**
 * Opens a folder in the layout above. Throws a DarError that names the file when the layout is wrong: no photos, a photo
 * without depth, two photos of one name, a wanted name that is not there, a JSON file that does not parse. `get` throws
 * one for a file that cannot be decoded. Depth maps without a photo are left out and noted.
 */
export async function folderDataset(root: string, options: FolderOptions = {}): Promise<FolderDataset> {
  const { minimum = 0, maximum = Number.POSITIVE_INFINITY, incomplete = 'refuse' } = options
  const photos = await listPhotos(join(root, 'rgb'))
  const depths = new Set(await listFolder(join(root, 'depth')))
  const wanted = chosenNames(photos, options.names, root)
  const names = wanted.filter((name) => depths.has(`${name}.png`))
  const missing = wanted.filter((name) => !depths.has(`${name}.png`))
  const problem = `${missing.length} of ${wanted.length} photos have no depth map, first ${join(root, 'depth', `${missing[0]}.png`)}`
  if (missing.length > 0 && (incomplete === 'refuse' || names.length === 0))
    throw new DarError(`${problem}; add it or leave the photo out`)
  const orphans = [...depths].filter((file) => file.endsWith('.png') && !photos.has(parse(file).name))
  const notes = [
    ...(missing.length > 0 ? [problem] : []),
    ...(orphans.length > 0
      ? [`${orphans.length} depth maps have no photo, first ${join(root, 'depth', orphans[0])}`]
      : []),
  ]
  const meta = await readJson(join(root, 'meta.json'), metaFile)
  const file = await readJson(join(root, 'intrinsics.json'), intrinsicsFile)
  const unitsPerMetre = options.depthScale ?? meta?.depth_scale ?? 1000
  const read = async (name: string): Promise<Omit<Frame, 'name'>> => {
    const [image, depth] = await Promise.all([
      decodeImage(join(root, 'rgb', photos.get(name) ?? name)),
      decodeDepthPng(join(root, 'depth', `${name}.png`), { unitsPerMetre }),
    ])
    const camera = intrinsicsOf(name, file) ?? meta?.intrinsics ?? null
    const intrinsics = camera && scaledTo(image, camera, join(root, 'rgb', photos.get(name) ?? name))
    return { image, depth: limited(depth, minimum, maximum), intrinsics }
  }
  return namedDataset(options.name ?? basename(resolve(root)), names, read, { notes })
}

/** Photos without depth: the files of `root/rgb`, or of `root` itself where there is no such folder. */
export async function photosDataset(
  root: string,
  options: Pick<FolderOptions, 'name' | 'names'> = {},
): Promise<FolderDataset> {
  const folder = (await listFolder(root)).includes('rgb') ? join(root, 'rgb') : root
  const photos = await listPhotos(folder)
  const read = async (name: string): Promise<Omit<Frame, 'name'>> => ({
    image: await decodeImage(join(folder, photos.get(name) ?? name)),
    depth: null,
    intrinsics: null,
  })
  return namedDataset(options.name ?? basename(resolve(root)), chosenNames(photos, options.names, folder), read)
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    throw new DarError(
      `cannot list ${folder}: ${messageOf(error)}; expected photos in rgb/ and 16-bit PNGs in depth/`,
      { kind: 'missing' },
    )
  }
}

/** Name without extension → file name. Other files are ignored. */
async function listPhotos(folder: string): Promise<Map<string, string>> {
  const photos = new Map<string, string>()
  for (const file of (await listFolder(folder)).sort()) {
    if (!PHOTO_EXTENSIONS.includes(extname(file).toLowerCase()) || file.startsWith('.')) continue
    const { name } = parse(file)
    const other = photos.get(name)
    if (other !== undefined)
      throw new DarError(`${join(folder, other)} and ${file} have the same name; rename one of the two`)
    photos.set(name, file)
  }
  if (photos.size === 0) throw new DarError(`no JPEG, PNG or WebP photo in ${folder}; put the photos there`)
  return photos
}

function chosenNames(photos: Map<string, string>, wanted: readonly string[] | undefined, where: string): string[] {
  if (wanted === undefined) return [...photos.keys()].sort()
  const absent = wanted.find((name) => !photos.has(name))
  if (absent !== undefined) throw new DarError(`no photo named ${absent} in ${where}; check the list of names`)
  if (wanted.length === 0) throw new DarError(`the list of names for ${where} is empty; name at least one frame`)
  return wanted.toSorted()
}

function intrinsicsOf(name: string, file: z.infer<typeof intrinsicsFile> | null): SizedIntrinsics | null {
  if (file === null) return null
  const one = sizedIntrinsics.safeParse(file)
  if (one.success) return one.data
  return Object.entries(file).find(([key]) => key === name)?.[1] ?? null
}

/**
 * Intrinsics in pixels of `image`. Throws when they were measured on an image of another shape, because that image was
 * cropped.
 */
function scaledTo(image: RgbImage, camera: SizedIntrinsics, path: string): Intrinsics {
  const perX = image.width / camera.width
  const perY = image.height / camera.height
  if (Math.abs(perX / perY - 1) > 0.01)
    throw new DarError(
      `${path} is ${image.width}x${image.height}, its intrinsics are for ${camera.width}x${camera.height}, another shape; correct the intrinsics`,
    )
  return scaleIntrinsics(camera, perX, perY)
}

function limited(depth: DepthImage, minimum: number, maximum: number): DepthImage {
  if (minimum <= 0 && maximum === Number.POSITIVE_INFINITY) return depth
  return { ...depth, data: depth.data.map((d) => (d >= minimum && d <= maximum ? d : 0)) }
}
