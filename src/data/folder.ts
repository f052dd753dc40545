/**
 * Your own data: a folder of photos with depth, or of photos alone.
 *
 *     root/rgb/<name>.{jpg,jpeg,png,webp}     8-bit photos
 *     root/depth/<name>.png                   16-bit grey, value / depthScale metres along the optical axis, 0 = none;
 *                  .npy, .tiff                or metres as numbers, whole ones / depthScale
 *     root/intrinsics.json                    optional: {fx, fy, cx, cy, width, height}, or {"<name>": {…}, …}
 *     root/meta.json                          optional: {"depth_scale": …, "intrinsics": null | {…}}; other keys are free
 *
 * Intrinsics are in pixels of a `width`×`height` image, pixel centres at integers, and are scaled to the photo's size.
 * `intrinsics.json` takes precedence over `meta.json`. If `intrinsics.json` lists names, a photo that it does not list
 * has the camera of `meta.json`, or none. Frames are in the order of their names. Errors of the layout are reported
 * when the folder is opened, broken files when they are read. Other names of the two
 * folders, and pairs in one folder, are in pairs.ts. Other depth formats are left out, and named.
 */
import { readdir } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { z } from 'zod'
import type { DepthImage, Intrinsics, RgbImage } from '../image/types.ts'
import { scaleIntrinsics } from '../image/view.ts'
import { decodeImage } from '../node/decode.ts'
import { decodeDepth } from '../node/decode-depth.ts'
import { DarError, messageOf } from '../support/errors.ts'
import { readJson } from './json.ts'
import { namedDataset, subsetOf } from './named.ts'
import { composed, findPairs, namedPhotos, otherDepthFolders, type Pairs, PHOTO_FOLDERS } from './pairs.ts'
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
 * one for a file that cannot be decoded. Depth maps without a photo are left out and noted. Where several folders below `root` hold
 * pairs, each is read with its own JSON files, and names begin with the folder's path.
 */
export async function folderDataset(root: string, options: FolderOptions = {}): Promise<FolderDataset> {
  const name = options.name ?? basename(resolve(root))
  const found = await findPairs(root)
  if (found.length === 0) throw await noPairs(root)
  if (found.length === 1) return openPairs(root, found[0], { ...options, name })
  return joined(root, found, { ...options, name })
}

/** What a folder without pairs lacks. */
async function noPairs(root: string): Promise<DarError> {
  const folder = join(root, 'rgb')
  const photos = await namedPhotos(root, 'rgb')
  if (photos.size === 0) return new DarError(`no JPEG, PNG or WebP photo in ${folder}; put the photos there`)
  return new DarError(
    `cannot list ${join(root, 'depth')}: there is no such folder; expected photos in rgb/ and depth maps in depth/`,
    { kind: 'missing' },
  )
}

async function openPairs(
  root: string,
  pairs: Pairs,
  options: FolderOptions & { name: string },
): Promise<FolderDataset> {
  const { minimum = 0, maximum = Number.POSITIVE_INFINITY, incomplete = 'refuse' } = options
  const { photos, depths, masks, orphans } = pairs
  const base = join(root, pairs.base)
  if (photos.size === 0) throw new DarError(`no JPEG, PNG or WebP photo in ${join(base, 'rgb')}; put the photos there`)
  const wanted = chosenNames(photos, options.names, root)
  const names = wanted.filter((name) => depths.has(name))
  const missing = wanted.filter((name) => !depths.has(name))
  const expected = join(
    root,
    pairs.depthFolder,
    `${missing[0]}${pairs.depthFolder === pairs.base ? '_depth.npy' : '.png'}`,
  )
  const problem = `${missing.length} of ${wanted.length} photos have no depth map, first ${expected}`
  if (missing.length > 0 && (incomplete === 'refuse' || names.length === 0))
    throw new DarError(`${problem}; add it (.png, .npy, .tiff) or leave the photo out`)
  const notes = [
    ...(missing.length > 0 ? [problem] : []),
    ...(orphans.length > 0 ? [`${orphans.length} depth maps have no photo, first ${join(root, orphans[0])}`] : []),
  ]
  const meta = await readJson(join(base, 'meta.json'), metaFile)
  const file = await readJson(join(base, 'intrinsics.json'), intrinsicsFile)
  const unitsPerMetre = options.depthScale ?? meta?.depth_scale
  const read = async (name: string): Promise<Omit<Frame, 'name'>> => {
    const [photo, map, mask] = [photos.get(name), depths.get(name), masks.get(name)]
    if (photo === undefined || map === undefined) throw new Error(`internal error: no pair ${name}`)
    const [image, depth, counts] = await Promise.all([
      decodeImage(join(root, photo)),
      decodeDepth(join(root, map), { unitsPerMetre }),
      mask === undefined ? null : decodeDepth(join(root, mask), { unitsPerMetre: 1 }),
    ])
    const camera = intrinsicsOf(name, file) ?? meta?.intrinsics ?? null
    const intrinsics = camera && scaledTo(image, camera, join(root, photo))
    if (counts) applyMask(depth, counts, join(root, mask ?? ''))
    return { image, depth: limited(depth, minimum, maximum), intrinsics }
  }
  return namedDataset(options.name, names, read, { notes })
}

/** Where the mask is 0 there is no measurement. */
function applyMask(depth: DepthImage, mask: DepthImage, path: string): void {
  if (mask.width !== depth.width || mask.height !== depth.height)
    throw new DarError(
      `${path} is ${mask.width}×${mask.height}, its depth ${depth.width}×${depth.height}; make it anew`,
    )
  for (let i = 0; i < depth.data.length; i++) if (mask.data[i] === 0) depth.data[i] = 0
}

/** Several folders of pairs as one data set. */
async function joined(
  root: string,
  found: readonly Pairs[],
  { names: wanted, ...options }: FolderOptions & { name: string },
): Promise<FolderDataset> {
  const sets: NamedDataset[] = []
  for (const pairs of found) sets.push(await openPairs(root, pairs, options))
  const places = sets.flatMap((set, i) => set.names.map((name, j) => ({ set, j, name: `${found[i].base}/${name}` })))
  const names = places.map(({ name }) => name)
  const read = async (_: string, i: number): Promise<Omit<Frame, 'name'>> => {
    const { image, depth, intrinsics } = await places[i].set.get(places[i].j)
    return { image, depth, intrinsics }
  }
  const notes = [`${found.length} folders of pairs, first ${found[0].base}`, ...sets.flatMap((set) => set.notes ?? [])]
  const all = namedDataset(options.name, names, read, { notes })
  return wanted === undefined ? all : subsetOf(all, wanted.map(composed))
}

/** Photos without depth: the files of `root/rgb` (or `images/`, …), or of `root` itself where there is no such folder. */
export async function photosDataset(
  root: string,
  options: Pick<FolderOptions, 'name' | 'names'> = {},
): Promise<FolderDataset> {
  const entries = await listFolder(root)
  const folder = PHOTO_FOLDERS.flatMap((one) => entries.filter((entry) => entry.toLowerCase() === one))[0] ?? ''
  const photos = await namedPhotos(root, folder, { levels: 0 })
  if (photos.size === 0) throw new DarError(`no JPEG, PNG or WebP photo in ${join(root, folder)}; put the photos there`)
  const read = async (name: string): Promise<Omit<Frame, 'name'>> => ({
    image: await decodeImage(join(root, photos.get(name) ?? name)),
    depth: null,
    intrinsics: null,
  })
  const names = chosenNames(photos, options.names, join(root, folder))
  const others = folder === '' ? [] : await otherDepthFolders(root, folder, photos)
  const notes = others.map(
    (other) =>
      `${other.folder}/ may hold depth maps (photos of the same name: ${other.maps}); if so, rename it to depth/`,
  )
  return namedDataset(options.name ?? basename(resolve(root)), names, read, { notes })
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    throw new DarError(`cannot list ${folder}: ${messageOf(error)}; expected photos in rgb/ and depth maps in depth/`, {
      kind: 'missing',
    })
  }
}

function chosenNames(
  photos: ReadonlyMap<string, string>,
  asked: readonly string[] | undefined,
  where: string,
): string[] {
  if (asked === undefined) return [...photos.keys()].sort()
  const wanted = asked.map(composed)
  const absent = wanted.find((name) => !photos.has(name))
  if (absent !== undefined) throw new DarError(`no photo named ${absent} in ${where}; check the list of names`)
  if (wanted.length === 0) throw new DarError(`the list of names for ${where} is empty; name at least one frame`)
  return wanted.toSorted()
}

function intrinsicsOf(name: string, file: z.infer<typeof intrinsicsFile> | null): SizedIntrinsics | null {
  if (file === null) return null
  const one = sizedIntrinsics.safeParse(file)
  if (one.success) return one.data
  return Object.entries(file).find(([key]) => composed(key) === name)?.[1] ?? null
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
