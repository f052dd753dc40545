/**
 * Opens a data set with any reader: from a path, its layout (stated or recognised), and the options of that layout. All
 * of this is plain data, so a recipe can state it and a worker thread can open the set again.
 */
import { DarError } from '../../support/errors.ts'
import { folderDataset, photosDataset } from '../folder.ts'
import type { NamedDataset } from '../types.ts'
import { baseName } from './files.ts'
import { h5Dataset } from './h5-frames.ts'
import { kittiDataset } from './kitti.ts'
import { kittiObjectDataset } from './kitti-object.ts'
import { mogeDataset } from './moge.ts'
import { nyuFolderDataset } from './nyu-folder.ts'
import { nyuLabeledDataset } from './nyu-labeled.ts'
import type { OpenOptions, ReaderOptions } from './options.ts'
import { type Layout, recognise } from './recognise.ts'
import { sunRgbdDataset } from './sunrgbd.ts'
import { tumDataset } from './tum.ts'
import { webDataset } from './webdataset.ts'

/** A data set, and the layout that it was read as. */
export interface OpenedDataset extends NamedDataset {
  readonly layout: Layout
}

interface Reader {
  readonly open: (path: string, options: ReaderOptions) => Promise<NamedDataset>
  /** In addition to `name` and `incomplete`, which all readers take. */
  readonly takes: readonly (keyof ReaderOptions)[]
  readonly truths?: readonly ReaderOptions['truth'][]
}

const READERS: Readonly<Record<Layout, Reader>> = {
  folder: { open: folderDataset, takes: ['depthScale', 'minimum', 'maximum'] },
  photos: { open: photosDataset, takes: [] },
  'nyu-mat': { open: nyuLabeledDataset, takes: ['side', 'list', 'truth'], truths: ['measured', 'filled'] },
  'nyu-folder': { open: nyuFolderDataset, takes: ['list', 'depthScale', 'withoutDepth'] },
  h5: { open: h5Dataset, takes: [] },
  kitti: {
    open: kittiDataset,
    takes: ['list', 'truth', 'depthScale', 'crop', 'withoutDepth'],
    truths: ['annotated', 'velodyne'],
  },
  'kitti-object': { open: kittiObjectDataset, takes: [] },
  sunrgbd: { open: sunRgbdDataset, takes: ['list', 'side', 'truth', 'withoutDepth'], truths: ['measured', 'filled'] },
  tum: { open: tumDataset, takes: ['depthScale'] },
  moge: { open: mogeDataset, takes: ['list'] },
  webdataset: { open: webDataset, takes: ['depthScale', 'withoutDepth'] },
}

/** Whether a layout knows an option; `side`, for instance, where it has an official split. */
export function layoutTakes(layout: Layout, option: keyof ReaderOptions): boolean {
  return option === 'name' || option === 'incomplete' || READERS[layout].takes.includes(option)
}

/**
 * Opens a data set of any layout. Frames are read when they are asked for, by index or one after the other.
 * @throws DarError when the layout is not recognised or wrong, or an option means nothing to it.
 */
export async function openDataset(
  path: string,
  { layout: given, ...options }: OpenOptions = {},
): Promise<OpenedDataset> {
  const { layout, path: root } = given ? { layout: given, path } : await recognise(path)
  const { open, truths = [] } = READERS[layout]
  for (const key of Object.keys(options) as (keyof ReaderOptions)[]) {
    if (options[key] === undefined || layoutTakes(layout, key)) continue
    // An option that states what the data set does anyway is accepted.
    if ((key === 'side' && options.side === 'all') || (key === 'withoutDepth' && options.withoutDepth === 'keep'))
      continue
    throw new DarError(`the layout ${layout} of ${path} has no option '${key}'; leave it out`)
  }
  if (options.truth !== undefined && !truths.includes(options.truth))
    throw new DarError(`the layout ${layout} has no ${options.truth} depth; give ${truths.join(' or ')}`)
  // A folder around a data set gives it its name: it is what was asked for.
  const name = options.name ?? (root === path ? undefined : baseName(path))
  return { ...(await open(root, { ...options, ...(name !== undefined && { name }) })), layout }
}
