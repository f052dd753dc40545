/**
 * Which layout a path has, from what lies there: names of files and folders, and the members of a tar. Nothing is decoded,
 * and of a large tree only the beginning is looked at.
 */
import { DarError } from '../../support/errors.ts'
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

/** What each layout is, for people. */
export const LAYOUT_TITLES: Readonly<Record<Layout, string>> = {
  folder: 'folder of photos and 16-bit depth (rgb/, depth/)',
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
/** And in one folder: depth/ of many frames must not hide rgb/. */
const OF_A_FOLDER = 300

/** Rules over a folder's files, paths relative to it; the first that all patterns of match decides. */
const RULES: readonly (readonly [Layout, ...RegExp[]])[] = [
  ['nyu-mat', /^nyu_depth_v2_labeled\.mat$/],
  ['tum', /^rgb\.txt$/, /^depth\.txt$/],
  ['folder', /^rgb\/[^/]+\.(jpg|jpeg|png|webp)$/i, /^depth\/[^/]+\.png$/i],
  ['kitti-object', /^(training\/)?image_2\/\d+\.(png|jpg)$/, /^(training\/)?velodyne\/\d+\.bin$/],
  ['moge', /(^|\/)image\.(jpg|png)$/, /(^|\/)depth\.png$/],
  ['nyu-folder', /(^|\/)rgb_\d+\.(jpg|jpeg|png)$/i, /(^|\/)sync_depth_\d+\.png$/i],
  ['kitti', /_drive_[^/]*\/.*image_0[23]\/(data\/)?\d+\.(png|jpg)$/],
  ['sunrgbd', /(^|\/)image\/[^/]+\.(jpg|jpeg|png)$/i, /(^|\/)depth(_bfx)?\/[^/]+\.png$/i],
  ['h5', /\.h5$/],
]

/** Throws a DarError when the path is not there or looks like none of the layouts. */
export async function recogniseLayout(path: string): Promise<Layout> {
  const kind = await kindOf(path)
  if (kind === null) throw new DarError(`${path} was not found; check the path`, { kind: 'missing' })
  if (kind === 'other')
    throw new DarError(`${path} is no file and no folder (a pipe or a device); save it to a file first`)
  if (kind === 'file') return recogniseFile(path)
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
  const tar = files.find((file) => /^[^/]+\.tar$/.test(file))
  if (tar !== undefined) return recogniseFile(`${path}/${tar}`)
  if (files.some((file) => /^(rgb\/)?[^/]+\.(jpg|jpeg|png|webp)$/i.test(file))) return 'photos'
  throw new DarError(`${path} looks like none of the layouts that are known; name one: ${LAYOUTS.join(', ')}`)
}

async function recogniseFile(path: string): Promise<Layout> {
  if (path.endsWith('.mat')) return 'nyu-mat'
  if (path.endsWith('.h5')) return 'h5'
  if (path.endsWith('.tar')) {
    const { members } = await indexTar(path)
    return members.some(({ name }) => name.endsWith('.h5')) ? 'h5' : 'webdataset'
  }
  throw new DarError(
    `${path} is no data set that is known (.mat, .h5, .tar, or a folder); give the folder of the data set`,
  )
}
