/**
 * The files that a depth map becomes. For `photo.jpg`, with S the stem `photo`:
 *
 *     S.color.png                 colours with a legend in metres, of one fixed range, so that two pictures can be compared
 *     S.depth.png                 16-bit grey, millimetres, 0 = none; the image's size
 *     S.depth.npy                 float32 metres, height × width
 *
 * and of a map with steps, from coarse to fine,
 *
 *     S.step1.color.png …         as S.color.png
 *     S.step1.depth.png …         as S.depth.png
 *     S.sigma.color.png, .npy     standard deviation in metres, dark = sure; 0 to 0.2 m
 *     S.steps.png                 all of them on one sheet
 *
 * Of a relative model only S.color.png, without legend and of its own range, and S.depth.npy, as the model gives it.
 *
 * Left out: EXR, point clouds, videos.
 */
import { rm } from 'node:fs/promises'
import { basename, extname, join, resolve } from 'node:path'
import { type ColourScale, colourise, DEFAULT_SCALE, depthRange } from '../image/colormap.ts'
import { contactSheet } from '../image/compose.ts'
import { withLegend } from '../image/legend.ts'
import { encodeNpy } from '../image/npy.ts'
import type { DepthImage, RgbImage } from '../image/types.ts'
import type { DepthMap, Size } from '../predict/types.ts'
import { DarError } from '../support/errors.ts'
import { writeFileAtomically, writeFilesTogether } from '../support/files.ts'
import { temporaryBeside } from '../support/temporary.ts'
import { encodeDepthPng, encodePngRgb } from './png16.ts'

/**
 * Colours of the sigma map: a fixed range too. The last window of a five-step model with `expand` 3 is at most
 * 9.9 m · (7/16)⁴ = 0.36 m wide, so no standard deviation inside it exceeds half of that.
 */
const SIGMA_SCALE = { map: 'inferno', near: 0, far: 0.2, scale: 'linear', warm: 'far' } as const satisfies ColourScale

/**
 * Inverse depth: large values are near and get the warm end. The scale is linear, because the model was trained on
 * equal steps of it.
 */
const RELATIVE_SCALE = { scale: 'linear', warm: 'far' } as const satisfies Partial<ColourScale>

/** Widest picture on the sheet of the steps. */
const SHEET_CELL = 480

export interface OutputStyle extends Pick<ColourScale, 'map' | 'near' | 'far'> {
  /** Take the range of colours from each map instead. It shows more, but pictures can no longer be compared. */
  readonly stretch?: boolean
  /**
   * `relative`: inverse depth without a unit. There is no legend and no file in millimetres, and each map has its own
   * range.
   */
  readonly unit?: 'metres' | 'relative'
}

export interface PlannedOutput {
  readonly input: string
  /** File names of the outputs start with this. */
  readonly stem: string
}

/** Suffixes of the files of one image; `steps` is how many step maps are written, 0 for none. */
export function outputSuffixes(steps: number): string[] {
  const ofStep = Array.from({ length: steps }, (_, i) => [`step${i + 1}.color.png`, `step${i + 1}.depth.png`])
  const sheet = steps > 0 ? ['sigma.color.png', 'sigma.npy', 'steps.png'] : []
  return ['color.png', 'depth.png', 'depth.npy', ...ofStep.flat(), ...sheet]
}

/**
 * Chooses the names of the outputs of every input in `folder`. Throws a DarError, before anything is written, when two
 * inputs would write the same file (also when their names differ in case only) or an output would replace an input.
 */
export function planOutputs(inputs: readonly string[], folder: string, steps: number): PlannedOutput[] {
  const key = (path: string) => resolve(path).toLowerCase()
  const sources = new Map(inputs.map((input) => [key(input), input]))
  const owners = new Map<string, string>()
  return inputs.map((input) => {
    const stem = basename(input, extname(input))
    for (const suffix of outputSuffixes(steps)) {
      const path = join(folder, `${stem}.${suffix}`)
      const other = owners.get(key(path))
      if (other === input) throw new DarError(`${input} is given twice; name each image once`)
      if (other !== undefined)
        throw new DarError(`${other} and ${input} would both be written to ${path}; give them different --out folders`)
      const replaced = sources.get(key(path))
      if (replaced !== undefined)
        throw new DarError(`the result of ${input} would replace the input ${replaced}; choose another --out folder`)
      owners.set(key(path), input)
    }
    return { input, stem }
  })
}

/** Makes the folder and tries it. Throws a DarError when files cannot be written there. */
export async function checkWritable(folder: string): Promise<void> {
  const probe = temporaryBeside(join(folder, 'probe'))
  await writeFileAtomically(probe, '')
  await rm(probe, { force: true })
}

/**
 * Writes the files of one map and returns their paths by suffix. All are encoded, and lie on the disk under temporary names, before the
 * first takes its place: where one cannot be written, none is, and older ones stay.
 */
export async function writeOutputs(
  map: DepthMap,
  folder: string,
  stem: string,
  style: OutputStyle = {},
): Promise<Record<string, string>> {
  const files = await encodeOutputs(map, style)
  const paths = Object.fromEntries([...files.keys()].map((suffix) => [suffix, join(folder, `${stem}.${suffix}`)]))
  await writeFilesTogether([...files].map(([suffix, bytes]) => [paths[suffix], bytes]))
  return paths
}

/** The files of one map: bytes by suffix. */
export async function encodeOutputs(map: DepthMap, style: OutputStyle = {}): Promise<Map<string, Uint8Array>> {
  const { width, height, sigma, steps } = map
  const depth = asImage(map, map.depth)
  if (style.unit === 'relative') {
    const range = {
      ...depthRange(depth),
      ...(style.near && { near: style.near }),
      ...(style.far && { far: style.far }),
    }
    const scale = { ...DEFAULT_SCALE, ...(style.map && { map: style.map }), ...range, ...RELATIVE_SCALE }
    // In a relative map 0 is the farthest value, not a missing one.
    const shown = asImage(
      map,
      map.depth.map((value) => Math.max(value, scale.near)),
    )
    return new Map([
      ['color.png', await encodePngRgb(colourise(shown, scale))],
      ['depth.npy', encodeNpy(map.depth, [height, width])],
    ])
  }
  const scale = colourScale(depth, style)
  const files = new Map<string, Uint8Array>([
    ['color.png', await encodePngRgb(withLegend(colourise(depth, scale), scale))],
    ['depth.png', await encodeDepthPng(depth)],
    ['depth.npy', encodeNpy(map.depth, [height, width])],
  ])
  if (steps.length === 0) return files
  const cells: { image: RgbImage; caption: string }[] = []
  for (const [i, step] of steps.entries()) {
    const metres = asImage(map, step.depth)
    const colours = colourise(metres, scale)
    cells.push({ image: colours, caption: `step ${i + 1}` })
    files.set(`step${i + 1}.color.png`, await encodePngRgb(withLegend(colours, scale)))
    files.set(`step${i + 1}.depth.png`, await encodeDepthPng(metres))
  }
  if (sigma) {
    const spread = asImage(map, sigma)
    const sigmaScale = style.stretch ? { ...SIGMA_SCALE, ...depthRange(spread) } : SIGMA_SCALE
    const colours = colourise(spread, sigmaScale)
    cells.push({ image: colours, caption: `σ, ${metresText(sigmaScale.near)} to ${metresText(sigmaScale.far)}` })
    files.set('sigma.color.png', await encodePngRgb(withLegend(colours, sigmaScale)))
    files.set('sigma.npy', encodeNpy(sigma, [height, width]))
  }
  const sheet = contactSheet(cells, { columns: 3, cellWidth: Math.min(SHEET_CELL, width) })
  files.set('steps.png', await encodePngRgb(withLegend(sheet, { ...scale, side: 'below' })))
  return files
}

function asImage({ width, height }: Size, data: Float32Array): DepthImage {
  return { width, height, data }
}

function colourScale(depth: DepthImage, { map, near, far, stretch = false }: OutputStyle) {
  const range = stretch ? depthRange(depth) : { near: near ?? DEFAULT_SCALE.near, far: far ?? DEFAULT_SCALE.far }
  return { ...DEFAULT_SCALE, ...(map && { map }), ...range }
}

/** `0.25 m`. */
export function metresText(metres: number): string {
  return `${Number(metres.toPrecision(3))} m`
}
