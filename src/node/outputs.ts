/**
 * The files that a depth map becomes: those of output-kinds.ts that were asked for, under one stem.
 *
 * Left out: videos (room video) and several maps in one file.
 */
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type ColourScale, colourise, depthRange } from '../image/colormap.ts'
import { contactSheet } from '../image/compose.ts'
import { withLegend } from '../image/legend.ts'
import { encodeNpy } from '../image/npy.ts'
import type { DepthImage, Intrinsics, RgbImage } from '../image/types.ts'
import type { DepthMap, Size } from '../predict/types.ts'
import { DarError } from '../support/errors.ts'
import { writeFileAtomically, writeFilesTogether } from '../support/files.ts'
import { temporaryBeside } from '../support/temporary.ts'
import { type ColourPicture, type ColourStyle, encodeColours, scaleOf } from './colour-picture.ts'
import { encodeDepth, type SavableDepth } from './encode-depth.ts'
import { DEFAULT_KINDS, type OutputKind, PHOTO_KINDS, RELATIVE_KINDS } from './output-kinds.ts'
import { encodeDepthPng, encodePngRgb } from './png16.ts'

/**
 * Colours of the sigma map: a fixed range too. The last window of a five-step model with `expand` 3 is at most
 * 9.9 m · (7/16)⁴ = 0.36 m wide, so no standard deviation inside it exceeds half of that.
 */
const SIGMA_SCALE = { map: 'inferno', near: 0, far: 0.2, scale: 'linear', warm: 'far' } as const satisfies ColourScale

/** Widest picture on the sheet of the steps. */
const SHEET_CELL = 480

export interface OutputStyle extends ColourStyle, ColourPicture {
  /** What is written. Default: `color`, `depth` and `npy`; steps and sigma too of a map that has steps. */
  readonly kinds?: readonly OutputKind[]
  /**
   * `relative`: inverse depth without a unit. There is no legend and no file in millimetres, and each map has its own
   * range.
   */
  readonly unit?: 'metre' | 'relative'
  /** What is farther away, in metres, counts as no measurement. */
  readonly maxDepth?: number
  /** The camera, where it is known better than by one focal length. In pixels of the map. */
  readonly intrinsics?: Intrinsics
  /** More for the JSON of metadata: the photo's path, the model. */
  readonly notes?: Readonly<Record<string, unknown>>
}

/** Whether the pixels of the photo are needed for these files. */
export const needsPhoto = ({ kinds = DEFAULT_KINDS, picture }: OutputStyle): boolean =>
  (picture === 'beside' && kinds.includes('color')) || kinds.some((kind) => PHOTO_KINDS.includes(kind))

/** Makes the folder and tries it. Throws a DarError when files cannot be written there. */
export async function checkWritable(folder: string): Promise<void> {
  const probe = temporaryBeside(join(folder, 'probe'))
  await writeFileAtomically(probe, '')
  await rm(probe, { force: true })
}

/**
 * Writes files under `stem` and returns their paths by suffix. All lie on the disk under temporary names before the first takes its
 * place: where one cannot be written, none is, and older ones stay. Makes the folder, unless `makeFolder` is false. Then it was there,
 * and if it is gone, it was on a disk that is gone, or somebody took it away: results would come into one that nobody looks at.
 */
export async function writeOutputs(
  files: ReadonlyMap<string, Uint8Array>,
  folder: string,
  stem: string,
  { makeFolder = true }: { readonly makeFolder?: boolean } = {},
): Promise<Record<string, string>> {
  const paths = Object.fromEntries([...files.keys()].map((suffix) => [suffix, join(folder, `${stem}.${suffix}`)]))
  try {
    await writeFilesTogether(
      [...files].map(([suffix, bytes]) => [paths[suffix], bytes]),
      makeFolder ? {} : { root: folder },
    )
  } catch (error) {
    if (makeFolder || (await stat(folder).catch(() => null))) throw error
    throw new DarError(
      `cannot write into ${folder}: the folder is gone; bring it back, and run the same command again`,
      {
        kind: 'output',
        cause: Object.assign(new Error('the folder is gone'), { code: 'ENOENT' }),
      },
    )
  }
  return paths
}

/**
 * The files of one map: bytes by suffix. `photo`: its pixels, where `needsPhoto` says so.
 * @throws DarError for a kind that needs metres, of a relative map, or a photo that is not given.
 */
export async function encodeOutputs(
  map: DepthMap,
  style: OutputStyle = {},
  { photo = null }: { readonly photo?: RgbImage | null } = {},
): Promise<Map<string, Uint8Array>> {
  const { unit, maxDepth = Number.POSITIVE_INFINITY, intrinsics, notes } = style
  const isRelative = unit === 'relative'
  const isFull = isRelative || maxDepth === Number.POSITIVE_INFINITY
  const cut = (data: Float32Array) => (isFull ? data : data.map((metres) => (metres > maxDepth ? 0 : metres)))
  const depth = cut(map.depth)
  const shown: SavableDepth = { ...map, data: depth, ...(intrinsics && { intrinsics }), ...(isRelative && { unit }) }
  const files = new Map<string, Uint8Array>()
  for (const kind of kindsOf(map, style))
    switch (kind) {
      case 'color':
        files.set('color.png', await encodeColours(shown, { ...style, image: photo }))
        break
      case 'sigma':
        for (const [suffix, bytes] of await sigmaFiles(map, style)) files.set(suffix, bytes)
        break
      case 'steps':
        for (const [suffix, bytes] of await stepFiles(map, cut, style)) files.set(suffix, bytes)
        break
      default:
        files.set(SUFFIX_OF[kind], await encodeDepth(kind, shown, { image: photo, notes }))
    }
  return files
}

const SUFFIX_OF = {
  depth: 'depth.png',
  log: 'log.png',
  npy: 'depth.npy',
  npz: 'depth.npz',
  exr: 'depth.exr',
  ply: 'ply',
  glb: 'glb',
  json: 'json',
} as const

function kindsOf({ steps }: DepthMap, { kinds, unit }: OutputStyle): readonly OutputKind[] {
  if (unit === 'relative') {
    const refused = kinds?.find((kind) => !RELATIVE_KINDS.includes(kind))
    if (refused)
      throw new DarError(
        `a relative model gives no metres, which '${refused}' needs; choose among ${RELATIVE_KINDS.join(', ')}`,
      )
    return kinds ?? DEFAULT_KINDS.filter((kind) => RELATIVE_KINDS.includes(kind))
  }
  return kinds ?? (steps.length > 0 ? [...DEFAULT_KINDS, 'steps', 'sigma'] : DEFAULT_KINDS)
}

/** None where the model's head has no sigma. */
async function sigmaFiles(map: DepthMap, style: OutputStyle): Promise<[string, Uint8Array][]> {
  if (!map.sigma) return []
  const scale = sigmaScale(map, map.sigma, style)
  return [
    ['sigma.color.png', await encodePngRgb(withLegend(colourise(asImage(map, map.sigma), scale), scale))],
    ['sigma.npy', encodeNpy(map.sigma, [map.height, map.width])],
  ]
}

const sigmaScale = (size: Size, sigma: Float32Array, { stretch }: OutputStyle) =>
  stretch ? { ...SIGMA_SCALE, ...depthRange(asImage(size, sigma)) } : SIGMA_SCALE

async function stepFiles(
  map: DepthMap,
  cut: (data: Float32Array) => Float32Array,
  style: OutputStyle,
): Promise<[string, Uint8Array][]> {
  const scale = scaleOf(asImage(map, cut(map.depth)), style)
  const files: [string, Uint8Array][] = []
  const cells: { image: RgbImage; caption: string }[] = []
  for (const [i, step] of map.steps.entries()) {
    const metres = asImage(map, cut(step.depth))
    const colours = colourise(metres, scale)
    cells.push({ image: colours, caption: `step ${i + 1}` })
    const picture = style.picture === 'plain' ? colours : withLegend(colours, scale)
    files.push([`step${i + 1}.color.png`, await encodePngRgb(picture)])
    files.push([`step${i + 1}.depth.png`, await encodeDepthPng(metres)])
  }
  if (map.sigma) {
    const spread = sigmaScale(map, map.sigma, style)
    const caption = `σ, ${metresText(spread.near)} to ${metresText(spread.far)}`
    cells.push({ image: colourise(asImage(map, map.sigma), spread), caption })
  }
  const sheet = contactSheet(cells, { columns: 3, cellWidth: Math.min(SHEET_CELL, map.width) })
  files.push(['steps.png', await encodePngRgb(withLegend(sheet, { ...scale, side: 'below' }))])
  return files
}

function asImage({ width, height }: Size, data: Float32Array): DepthImage {
  return { width, height, data }
}

/** `0.25 m`. */
export function metresText(metres: number): string {
  return `${Number(metres.toPrecision(3))} m`
}
