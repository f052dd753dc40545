/**
 * The training and evaluation sets of MoGe (Wang et al., CVPR 2025; docs/train.md of its repository): one folder a frame.
 *
 *     .index.txt                        optional: the frames' folders, one a line (or `list`: .train.txt, .val.txt, …)
 *     …/<frame>/image.jpg               photo
 *     …/<frame>/depth.png               16-bit, logarithmic
 *     …/<frame>/meta.json               {"intrinsics": 3×3, in units of the image's width and height}
 *
 * Depth from a stored value v, with `near` and `far` (and perhaps `unit`, in metres) in the PNG's text chunks:
 *
 *     d = near^(1 − t) · far^t · unit,   t = (v − 1) / 65533        0: unknown, 65535: infinite (sky)
 *
 * This reader treats both 0 and 65535 as no measurement. Not every such set is in metres: some are of unknown scale.
 */
import { join } from 'node:path'
import { z } from 'zod'
import type { DepthImage, Intrinsics, RgbImage } from '../../image/types.ts'
import { decodeDepthPng, decodeImage } from '../../node/decode.ts'
import { DarError } from '../../support/errors.ts'
import { readRegularFile } from '../../support/read-file.ts'
import { withoutTrailingSlashes } from '../../support/text.ts'
import { readJson } from '../json.ts'
import { namedDataset } from '../named.ts'
import type { NamedDataset } from '../types.ts'
import { baseName, fileIn, firstFile, insideRoot, readText, walk } from './files.ts'
import type { ReaderOptions } from './options.ts'
import { pngText } from './png-text.ts'

const matrix = z.array(z.array(z.number()).length(3)).length(3)
const metaFile = z.object({ intrinsics: matrix.optional() })

/** Throws a DarError when there is no frame below `root`, or a path of the list leaves it. */
export async function mogeDataset(root: string, options: ReaderOptions = {}): Promise<NamedDataset> {
  const { name = baseName(root), list, incomplete = 'refuse' } = options
  const index = list ?? (await firstFile([join(root, '.index.txt')]))
  const { frames, notes } = index === null ? await foundFrames(root) : await indexedFrames(root, index)
  if (frames.length === 0)
    throw new DarError(`no folder with image.jpg and depth.png below ${root}; check the path or the list`)
  if (notes.length > 0 && incomplete === 'refuse') throw new DarError(`${notes[0]}; complete or remove it`)
  const read = async (frame: string) => {
    const folder = insideRoot(root, frame, index ?? root)
    const photo = (await fileIn(folder, ['image.jpg', 'image.png'])) ?? join(folder, 'image.jpg')
    const map = (await fileIn(folder, ['depth.png'])) ?? join(folder, 'depth.png')
    const [image, depth, meta] = await Promise.all([
      decodeImage(photo),
      decodeLogDepthPng(map),
      readJson(join(folder, 'meta.json'), metaFile),
    ])
    return { image, depth, intrinsics: meta?.intrinsics ? inPixels(meta.intrinsics, image) : null }
  }
  return namedDataset(name, frames, read, { notes })
}

async function indexedFrames(root: string, index: string) {
  const lines = (await readText(index)).split('\n').map((line) => withoutTrailingSlashes(line.trim()))
  const frames = [...new Set(lines.filter((line) => line !== ''))]
  for (const frame of frames) insideRoot(root, frame, index)
  return { frames, notes: [] }
}

async function foundFrames(root: string) {
  const photos = new Set<string>()
  const depths = new Set<string>()
  for await (const path of walk(root)) {
    const [, folder, file] = /^(?:(.*)\/)?([^/]+)$/.exec(path) ?? []
    if (folder === undefined) continue
    if (/^image\.(jpg|png)$/i.test(file)) photos.add(folder)
    else if (/^depth\.png$/i.test(file)) depths.add(folder)
  }
  const frames = [...photos].filter((folder) => depths.has(folder))
  const missing = [...photos].filter((folder) => !depths.has(folder))
  const notes =
    missing.length > 0
      ? [`${missing.length} of ${photos.size} folders have no depth.png, first ${join(root, missing[0])}`]
      : []
  return { frames, notes }
}

/** The depths that a file may name, in metres. Sets of unknown scale have odd ones, but none beyond these. */
const [MICROMETRE, MOON] = [1e-6, 4e8]

/** The formula above. Throws a DarError for a PNG that is not 16-bit grey or does not state near and far. */
export async function decodeLogDepthPng(
  source: string | Uint8Array,
  { name = typeof source === 'string' ? source : 'the depth map' }: { name?: string } = {},
): Promise<DepthImage> {
  const bytes = typeof source === 'string' ? await readRegularFile(source, { name }) : source
  const stored = await decodeDepthPng(bytes, { unitsPerMetre: 1, name })
  const texts = pngText(bytes)
  const [near, far, unit] = [texts.get('near'), texts.get('far'), texts.get('unit') ?? '1'].map(Number)
  // What float32 and every use of metres can hold: a far end of 1e300, or one that the unit makes infinite, is a damaged file.
  if (!(near > 0 && far >= near && near * unit >= MICROMETRE && far * unit <= MOON))
    throw new DarError(
      `${name} does not state near and far in its text chunks, in metres (near ${texts.get('near')}, far ${texts.get('far')}, unit ${unit}); is it a log-scale depth map?`,
    )
  const span = Math.log(far / near) / 65533
  const metres = (v: number) => (v > 0 && v < 65535 ? near * Math.exp((v - 1) * span) * unit : 0)
  return { ...stored, data: stored.data.map(metres) }
}

/** Normalised coordinates count from the image's edge; pixel centres are integers here, so cx moves by ½. */
function inPixels([[fx, , cx], [, fy, cy]]: number[][], { width, height }: RgbImage): Intrinsics {
  return { fx: fx * width, fy: fy * height, cx: cx * width - 0.5, cy: cy * height - 0.5 }
}
