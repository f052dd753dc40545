/**
 * SUN RGB-D in its authors' layout, one folder a frame, at any depth below the root:
 *
 *     …/<frame>/image/*.jpg    depth/*.png (measured)    depth_bfx/*.png (holes filled)    intrinsics.txt (3×3)
 *
 * Depth is 16-bit and rotated: the stored value v holds ((v >> 3) | (v << 13)) & 0xffff millimetres, 0 = none.
 *
 * With `list` one of two: a split file `image depth [focal]`, paths that may start with `SUNRGBD/`, which also says which
 * depth counts; or the authors' `allsplit.mat`, with `side`. Published zero-shot figures are over the filled depth.
 */
import { join } from 'node:path'
import type { DepthImage, Intrinsics } from '../../image/types.ts'
import { decodeDepthPng, decodeImage } from '../../node/decode.ts'
import { isMatlab } from '../../node/decode-depth.ts'
import { DarError } from '../../support/errors.ts'
import { firstBytes } from '../../support/read-file.ts'
import { withoutTrailingSlashes } from '../../support/text.ts'
import { namedDataset } from '../named.ts'
import type { NamedDataset } from '../types.ts'
import { cameraFromFocal, cameraFromMatrix } from './cameras.ts'
import { baseName, kindOf, parseNumbers, readText, walk } from './files.ts'
import { listedDataset } from './listed.ts'
import { type MatValue, readMat5 } from './mat5.ts'
import type { ReaderOptions } from './options.ts'
import { readSplitFile } from './split-file.ts'

const PART = /^(?<frame>.*?)\/?(?<part>image|depth|depth_bfx)\/(?<file>[^/]+\.(jpg|jpeg|png))$/i

/** Throws a DarError when there is no frame below `root`, one has no depth (unless `incomplete: 'note'`), or the list is wrong. */
export async function sunRgbdDataset(root: string, options: ReaderOptions = {}): Promise<NamedDataset> {
  const { name = baseName(root), list, withoutDepth } = options
  if (list === undefined || /\.mat$/i.test(list) || isMatlab(await firstBytes(list, 16))) return folders(root, options)
  const lines = (await readSplitFile(list)).map((line) => ({
    ...line,
    image: belowSunRgbd(line.image),
    depth: line.depth && belowSunRgbd(line.depth),
  }))
  return listedDataset(root, lines, {
    name,
    imageFolders: ['', 'SUNRGBD'],
    depthFolders: ['', 'SUNRGBD'],
    decodeDepth: decodeSunDepth,
    withoutDepth,
    camera: async ({ focal }, image, file) =>
      (await frameCamera(join(file, '../..'))) ?? (focal === null ? null : cameraFromFocal(focal, image)),
  })
}

/** Lists and `allsplit.mat` write paths from above the data set's own folder. */
const belowSunRgbd = (path: string) => path.replace(/^.*\/?SUNRGBD\//, '')

/** A rotated PNG as metres. Throws a DarError for a PNG that is not 16-bit grey. */
async function decodeSunDepth(path: string): Promise<DepthImage> {
  const stored = await decodeDepthPng(path, { unitsPerMetre: 1 })
  return { ...stored, data: stored.data.map((v) => (((v >> 3) | (v << 13)) & 0xffff) / 1000) }
}

async function frameCamera(folder: string): Promise<Intrinsics | null> {
  const file = join(folder, 'intrinsics.txt')
  if ((await kindOf(file)) !== 'file') return null
  return cameraFromMatrix(parseNumbers(await readText(file), 9, file), file)
}

interface Parts {
  image?: string
  depth?: string
}

async function folders(root: string, options: ReaderOptions): Promise<NamedDataset> {
  const { name = baseName(root), truth = 'measured', list, side = 'all', incomplete = 'refuse' } = options
  const wantedPart = truth === 'filled' ? 'depth_bfx' : 'depth'
  const frames = new Map<string, Parts>()
  for await (const path of walk(root, { skip: (folder) => folder === 'fullres' || folder.startsWith('annotation') })) {
    const { frame, part, file } = PART.exec(path)?.groups ?? {}
    if (file === undefined) continue
    const parts = frames.get(frame) ?? {}
    if (part === 'image') parts.image = path
    else if (part === wantedPart) parts.depth = path
    frames.set(frame, parts)
  }
  const held = list === undefined ? null : await sideOf(list, side)
  if (held === null && side !== 'all')
    throw new DarError(`the ${side} side of SUN RGB-D is in its allsplit.mat; give that file as the list`)
  const chosen = [...frames].filter(([frame, { image }]) => image !== undefined && (held === null || held(frame)))
  const whole = chosen.flatMap(([frame, { image, depth }]) => (image && depth ? [{ frame, image, depth }] : []))
  const missing = chosen.length - whole.length
  if (whole.length === 0)
    throw new DarError(`no frame with image/ and ${wantedPart}/ below ${root}; check the path or the list`)
  const problem = `${missing} of ${chosen.length} frames have no ${wantedPart}/`
  if (missing > 0 && incomplete === 'refuse')
    throw new DarError(
      `${problem}, first ${join(root, chosen.find(([, { depth }]) => !depth)?.[0] ?? '')}; complete or remove it`,
    )
  const read = async (_: string, i: number) => {
    const { frame, image, depth } = whole[i]
    const [rgb, metres, intrinsics] = await Promise.all([
      decodeImage(join(root, image)),
      decodeSunDepth(join(root, depth)),
      frameCamera(join(root, frame)),
    ])
    return { image: rgb, depth: metres, intrinsics }
  }
  const names = whole.map(({ frame }) => (frame === '' ? baseName(root) : frame))
  return namedDataset(name, names, read, { notes: missing > 0 ? [problem] : [] })
}

/** Whether a frame's folder belongs to the side, by `alltrain` and `alltest` of `allsplit.mat`. */
async function sideOf(list: string, side: 'train' | 'test' | 'all'): Promise<(frame: string) => boolean> {
  const variables = await readMat5(list)
  const names = side === 'all' ? ['alltrain', 'alltest'] : [`all${side}`]
  const frames = new Set(names.flatMap((key) => strings(variables.get(key), `${list}: '${key}'`)))
  return (frame) => frames.has(belowSunRgbd(frame))
}

function strings(value: MatValue | undefined, where: string): string[] {
  if (!Array.isArray(value) || value.length === 0 || !value.every((one) => typeof one === 'string'))
    throw new DarError(`${where} is no list of paths; give SUN RGB-D's allsplit.mat`)
  return value.map((path) => withoutTrailingSlashes(belowSunRgbd(path)))
}
