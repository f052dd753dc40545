/**
 * Recognises the layout of a path by the names of its files and folders, or of the members of a tar. Nothing is decoded.
 * Only the beginning of a large tree is read.
 */
import { readdir } from 'node:fs/promises'
import { isHdf5, isMatlab } from '../../node/decode-depth.ts'
import { DarError } from '../../support/errors.ts'
import { firstBytes } from '../../support/read-file.ts'
import { kindOf, walk } from './files.ts'
import { indexTar } from './tar.ts'

/** The layouts that can be read, by the names that flags and recipes give them. */
export const LAYOUTS = [
  'folder',
  'photos',
  'nyu-mat',
  'nyu-folder',
  'h5',
  'kitti',
  'kitti-object',
  'sunrgbd',
  'tum',
  'moge',
  'webdataset',
] as const
/** One of `LAYOUTS`. */
export type Layout = (typeof LAYOUTS)[number]

/** Titles of the layouts, for messages. */
export const LAYOUT_TITLES: Readonly<Record<Layout, string>> = {
  folder: 'photos with depth: rgb/ and depth/, or x.png and x_depth.npy',
  photos: 'photos without depth',
  'nyu-mat': 'NYU Depth v2, labelled set (.mat)',
  'nyu-folder': 'NYU Depth v2, BTS layout (rgb_*.jpg, sync_depth_*.png)',
  h5: 'one HDF5 file a frame (FastDepth, Hugging Face)',
  kitti: 'KITTI, raw drives with annotated depth',
  'kitti-object': 'KITTI, object set with laser scans',
  sunrgbd: 'SUN RGB-D',
  tum: 'TUM RGB-D sequence',
  moge: 'MoGe, one folder a frame, log-scale depth',
  webdataset: 'WebDataset shards',
}

/** Files looked at before a guess: scenes come one after the other, so the beginning shows the layout. */
const LOOK = 3000
/** The most files of one folder: a depth/ of many frames must not hide rgb/. */
const OF_A_FOLDER = 300

const PHOTO = '[^/]+\\.(?:jpg|jpeg|png|webp)$'
const PHOTO_FOLDER = '(?:rgb|images?|colou?r|photos)/'
const DEPTH_FOLDER = 'depths?/(?:[^/]+/)*[^/]+\\.(?:png|npy|tiff?|exr|pfm)$'

/**
 * Rules over a folder's files, paths relative to it, in any case; the first that all patterns of match decides. Paths come from a file
 * system, which bounds their length.
 */
const RULES: readonly (readonly [Layout, ...RegExp[]])[] = [
  ['nyu-mat', /^nyu_depth_v2_labeled\.mat$/i],
  ['tum', /^rgb\.txt$/i, /^depth\.txt$/i],
  [
    'sunrgbd',
    /(^|\/)image\/[^/]+\.(jpg|jpeg|png)$/i,
    /(^|\/)depth(_bfx)?\/[^/]+\.png$/i,
    /(^|\/)(depth_bfx\/[^/]+\.png|intrinsics\.txt)$/i, // else images and depths of one's own
  ],
  ['folder', new RegExp(`^${PHOTO_FOLDER}(?:[^/]+/)*${PHOTO}`, 'i'), new RegExp(`^${DEPTH_FOLDER}`, 'i')],
  ['kitti-object', /^(training\/)?image_2\/\d+\.(png|jpg)$/i, /^(training\/)?velodyne\/\d+\.bin$/i],
  ['moge', /(^|\/)image\.(jpg|png)$/i, /(^|\/)depth\.png$/i],
  ['nyu-folder', /(^|\/)rgb_\d+\.(jpg|jpeg|png)$/i, /(^|\/)sync_depth_\d+\.png$/i],
  ['kitti', /_drive_[^/]*\/.*image_0[23]\/(data\/)?\d+\.(png|jpg)$/i],
  ['folder', new RegExp(`/${PHOTO_FOLDER}(?:[^/]+/)*${PHOTO}`, 'i'), new RegExp(`/${DEPTH_FOLDER}`, 'i')],
  ['h5', /\.h5$/i],
]

/** A layout, and the folder or file that has it: the given one, or the only entry of the given folder. */
export interface Recognised {
  readonly layout: Layout
  readonly path: string
}

/** Folders that hold nothing but one folder, as archives unpack. */
const MOST_WRAPPERS = 4

/** Throws a DarError when the path does not exist or matches no layout. */
export async function recognise(path: string): Promise<Recognised> {
  const kind = await kindOf(path)
  if (kind === null) throw new DarError(`${path} was not found; check the path`, { kind: 'missing' })
  if (kind === 'other')
    throw new DarError(`${path} is no file and no folder (a pipe or a device); save it to a file first`)
  if (kind === 'file') return { layout: await recogniseFile(path), path }
  let at = path
  for (let i = 0; i <= MOST_WRAPPERS; i++) {
    const layout = await layoutOfFolder(at)
    const inner = layout === null || layout === 'folder' ? await onlyFolderIn(at) : null
    // rgb/ and depth/ further down may belong to a layout that shows its own files only from there.
    if (layout !== null && (inner === null || (await layoutOfFolder(inner)) === null)) return { layout, path: at }
    if (inner === null) break
    at = inner
  }
  throw new DarError(
    `${path} looks like none of the layouts that are known (${LAYOUTS.join(', ')}); put its photos into rgb/ and their depth maps into depth/, or name the layout where it has another`,
  )
}

/** As `recognise`, the layout alone. */
export async function recogniseLayout(path: string): Promise<Layout> {
  return (await recognise(path)).layout
}

async function layoutOfFolder(path: string): Promise<Layout | null> {
  const files: string[] = []
  const perFolder = new Map<string, number>()
  for await (const file of walk(path, { levels: 8 })) {
    const folder = file.slice(0, file.lastIndexOf('/') + 1)
    const before = perFolder.get(folder) ?? 0
    perFolder.set(folder, before + 1)
    if (before < OF_A_FOLDER && files.push(file) >= LOOK) break
  }
  const rule = RULES.find(([, ...patterns]) => patterns.every((pattern) => files.some((file) => pattern.test(file))))
  if (rule) return rule[0]
  if (hasPairsBeside(files)) return 'folder'
  const tar = files.find((file) => /^[^/]+\.tar$/i.test(file))
  if (tar !== undefined) return recogniseFile(`${path}/${tar}`)
  const photos = new RegExp(`^(?:${PHOTO_FOLDER})?${PHOTO}`, 'i')
  return files.some((file) => photos.test(file)) ? 'photos' : null
}

/** Whether a depth map lies beside its photo (pairs.ts says how they are called). */
function hasPairsBeside(files: readonly string[]): boolean {
  const stems = new Set(
    files.flatMap((file) => /^(.+)\.(?:jpg|jpeg|png|webp)$/i.exec(file)?.[1].normalize('NFC') ?? []),
  )
  return files.some((file) => {
    const [, stem, suffix, extension] = /^(.+?)([_.-]depth)?\.(png|npy|tiff?|exr|pfm)$/i.exec(file) ?? []
    if (stem === undefined || (suffix === undefined && extension.toLowerCase() === 'png')) return false
    return stems.has(stem.normalize('NFC'))
  })
}

/** The one folder in a folder that has nothing else than notes; null for any other. */
async function onlyFolderIn(path: string): Promise<string | null> {
  const entries = (await readdir(path).catch(() => [])).filter(
    (name) => !/^\.|^__MACOSX$|\.(txt|md|json|pdf|html|csv)$|^(licen[cs]e|readme)$/i.test(name),
  )
  if (entries.length !== 1) return null
  const only = `${path}/${entries[0]}`
  return (await kindOf(only)) === 'folder' ? only : null
}

/** By its first bytes, or for a tar, which has none of its own, by its name. */
async function recogniseFile(path: string): Promise<Layout> {
  const start = await firstBytes(path, 4096)
  if (isMatlab(start) && !isHdf5(start))
    throw new DarError(
      `${path} is a MATLAB 5 file, which can hold a split (give it as the list) but no frames that are read here; save it with -v7.3`,
    )
  if (isHdf5(start)) return (isMatlab(start) || /\.mat$/i.test(path)) && !/\.h5$/i.test(path) ? 'nyu-mat' : 'h5'
  if (/\.mat$/i.test(path)) return 'nyu-mat'
  if (/\.h5$/i.test(path)) return 'h5'
  if (/\.tar$/i.test(path)) {
    const { members } = await indexTar(path)
    return members.some(({ name }) => /\.h5$/i.test(name)) ? 'h5' : 'webdataset'
  }
  throw new DarError(
    `${path} is no data set that is known (.mat, .h5, .tar, or a folder); give the folder of the data set`,
  )
}
