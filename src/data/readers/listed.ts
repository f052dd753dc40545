/**
 * Data sets given by a split file: images and depth maps by path, under one or more folders. Published lists start at
 * different places of the same tree (`sync/`, `official_splits/test/`, `train/`), so a path is looked for in the
 * layout's usual places in turn. Files are looked up when a frame is read, so a list of 24,000 frames opens at once.
 */

import type { DepthImage, Intrinsics, RgbImage } from '../../image/types.ts'
import { decodeImage } from '../../node/decode.ts'
import { DarError } from '../../support/errors.ts'
import { namedDataset } from '../named.ts'
import type { NamedDataset } from '../types.ts'
import { firstFile, insideRoot } from './files.ts'
import type { SplitLine } from './split-file.ts'

export interface ListedOptions {
  readonly name: string
  /** Folders below the root that an image's path may start from, in the order of trying; `''` is the root itself. */
  readonly imageFolders: readonly string[]
  readonly depthFolders: readonly string[]
  readonly decodeDepth: (path: string) => Promise<DepthImage>
  readonly camera: (line: SplitLine, image: RgbImage, imagePath: string) => Promise<Intrinsics | null>
  readonly withoutDepth?: 'keep' | 'drop'
  /** Says how many lines have no depth. */
  readonly notes?: readonly string[]
}

/**
 * Frames in the order of the list, named by the image's path without extension. @throws DarError when a path leaves the
 * root, an image is listed twice, or no line is left; `get` throws one that names the line when a file is not there.
 */
export function listedDataset(root: string, lines: readonly SplitLine[], options: ListedOptions): NamedDataset {
  const { name, imageFolders, depthFolders, decodeDepth, camera, withoutDepth = 'keep', notes = [] } = options
  const without = lines.filter(({ depth }) => depth === null).length
  const kept = withoutDepth === 'drop' ? lines.filter(({ depth }) => depth !== null) : lines
  if (kept.length === 0) throw new DarError(`no line of the list for ${root} has a depth map; give another list`)
  for (const { image, depth, where } of kept) {
    insideRoot(root, image, where)
    if (depth !== null) insideRoot(root, depth, where)
  }
  const names = uniqueNames(kept)
  const read = async (_: string, i: number) => {
    const line = kept[i]
    const imagePath = await find(root, imageFolders, line.image, line.where)
    const image = await decodeImage(imagePath)
    const depth = line.depth === null ? null : await decodeDepth(await find(root, depthFolders, line.depth, line.where))
    return { image, depth, intrinsics: await camera(line, image, imagePath) }
  }
  const counted = `${without} of ${lines.length} listed frames have no depth map${withoutDepth === 'drop' ? '; left out' : ''}`
  return namedDataset(name, names, read, { notes: without > 0 ? [...notes, counted] : notes })
}

/** Paths without extension. */
function uniqueNames(lines: readonly SplitLine[]): string[] {
  const seen = new Map<string, string>()
  return lines.map(({ image, where }) => {
    const name = image.replace(/^\/+/, '').replace(/\.[^./]+$/, '')
    const other = seen.get(name)
    if (other !== undefined) throw new DarError(`${where} lists ${image} again, after ${other}; list every image once`)
    seen.set(name, where)
    return name
  })
}

async function find(root: string, folders: readonly string[], path: string, where: string): Promise<string> {
  const candidates = folders.map((folder) => insideRoot(root, folder === '' ? path : `${folder}/${path}`, where))
  const found = await firstFile(candidates)
  if (found === null) {
    const places = candidates.length > 1 ? ` (nor in ${folders.slice(1).join(', ')} of ${root})` : ''
    throw new DarError(`${where}: ${candidates[0]} was not found${places}; check the data set's folder or the list`, {
      kind: 'missing',
    })
  }
  return found
}
