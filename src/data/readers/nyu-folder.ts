/**
 * NYU Depth v2 unpacked to files, the layout of BTS that DenseDepth's successors (AdaBins, NeWCRFs, ZoeDepth, …) train on:
 *
 *     sync/<scene>/rgb_00045.jpg              640×480
 *     sync/<scene>/sync_depth_00045.png       16-bit, millimetres, 0 = none
 *     official_splits/test/<scene>/…          the 654 test frames, named by their place in the labelled .mat file
 *
 * `root` may be the folder that has `sync/` and `official_splits/`, or either of them, or the scenes themselves.
 * Without a list every pair below `root` is a frame. The photos of `official_splits` have their white frame painted
 * black (rows 7..473, columns 7..631 are kept). DenseDepth's own `nyu2_train` has 8-bit depth, which is refused.
 */
import { join } from 'node:path'
import { decodeDepthPng, decodeImage } from '../../node/decode.ts'
import { DarError } from '../../support/errors.ts'
import { namedDataset } from '../named.ts'
import type { NamedDataset } from '../types.ts'
import { cameraFromFocal, NYU_CAMERA, nyuCamera } from './cameras.ts'
import { baseName, walk } from './files.ts'
import { listedDataset } from './listed.ts'
import type { ReaderOptions } from './options.ts'
import { readSplitFile } from './split-file.ts'

const FOLDERS = ['', 'sync', 'official_splits/test', 'official_splits/train', 'test', 'train']
const PHOTO = /(^|\/)rgb_(\d+)\.(jpg|jpeg|png)$/i
const DEPTH = /(^|\/)sync_depth_(\d+)\.png$/i

/** Throws a DarError when there are no pairs, a photo has no depth (unless `incomplete: 'note'`), or the list is wrong. */
export async function nyuFolderDataset(root: string, options: ReaderOptions = {}): Promise<NamedDataset> {
  const { name = baseName(root), list, depthScale = 1000, withoutDepth } = options
  const decodeDepth = (path: string) => decodeDepthPng(path, { unitsPerMetre: depthScale })
  if (list === undefined) return wholeTree(root, name, decodeDepth, options)
  return listedDataset(root, await readSplitFile(list), {
    name,
    imageFolders: FOLDERS,
    depthFolders: FOLDERS,
    decodeDepth,
    withoutDepth,
    // Lists write NYU's own focal length with four decimals.
    camera: async ({ focal }, image) =>
      focal === null || Math.abs(focal - NYU_CAMERA.fx) < 0.01 ? nyuCamera(image) : cameraFromFocal(focal, image),
  })
}

async function wholeTree(
  root: string,
  name: string,
  decodeDepth: (path: string) => ReturnType<typeof decodeDepthPng>,
  { incomplete = 'refuse' }: ReaderOptions,
): Promise<NamedDataset> {
  const photos: string[] = []
  const depths = new Map<string, string>() // in lower case to as it is: rgb_00045.JPG may go with sync_depth_00045.png
  for await (const file of walk(root)) {
    if (PHOTO.test(file)) photos.push(file)
    else if (DEPTH.test(file)) depths.set(file.toLowerCase(), file)
  }
  const depthOf = (photo: string) => photo.replace(PHOTO, '$1sync_depth_$2.png').toLowerCase()
  const paired = photos.filter((photo) => depths.has(depthOf(photo)))
  const missing = photos.filter((photo) => !depths.has(depthOf(photo)))
  const mapOf = new Map(paired.map((photo) => [photo, depths.get(depthOf(photo)) ?? '']))
  for (const photo of paired) depths.delete(depthOf(photo))
  if (paired.length === 0) throw new DarError(`no pair of rgb_….jpg and sync_depth_….png below ${root}; check the path`)
  const problem = `${missing.length} of ${photos.length} photos have no depth map, first ${join(root, missing[0] ?? '')}`
  if (missing.length > 0 && incomplete === 'refuse') throw new DarError(`${problem}; add it or remove the photo`)
  const notes = [
    ...(missing.length > 0 ? [problem] : []),
    ...(depths.size > 0
      ? [`${depths.size} depth maps have no photo, first ${join(root, [...depths.values()][0])}`]
      : []),
  ]
  const names = paired.map((photo) => photo.replace(/\.[^.]+$/, ''))
  const read = async (_: string, i: number) => {
    const [image, depth] = await Promise.all([
      decodeImage(join(root, paired[i])),
      decodeDepth(join(root, mapOf.get(paired[i]) ?? '')),
    ])
    return { image, depth, intrinsics: nyuCamera(image) }
  }
  return namedDataset(name, names, read, { notes })
}
