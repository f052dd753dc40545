/**
 * What a depth map can be written as: the words of `--maps`, and the files that each stands for. With S the stem `photo`:
 *
 *     color    S.color.png                     colours, with a legend in metres of one fixed range
 *     depth    S.depth.png                     16-bit grey, millimetres, 0 = none
 *     log      S.log.png                       16-bit grey, logarithmic, near and far in its text chunks, as MoGe stores depth
 *     npy      S.depth.npy                     float32 metres, height × width
 *     npz      S.depth.npz                     the same under `depth`, and `sigma` and `intrinsics`
 *     exr      S.depth.exr                     float32 metres, one channel, Y
 *     ply      S.ply                           points with colours; x right, y down, z forward
 *     glb      S.glb                           a surface with the photo on it; x right, y up, z towards the viewer
 *     json     S.json                          size, range, camera, timings
 *     sigma    S.sigma.color.png, S.sigma.npy  standard deviation in metres, dark = sure; 0 to 0.2 m
 *     steps    S.step1.color.png, S.step1.depth.png, … S.steps.png   from coarse to fine, and all on one sheet
 */
import { DarError } from '../support/errors.ts'

export const OUTPUT_KINDS = [
  'color',
  'depth',
  'log',
  'npy',
  'npz',
  'exr',
  'ply',
  'glb',
  'json',
  'sigma',
  'steps',
] as const
/** A word of `--maps`. */
export type OutputKind = (typeof OUTPUT_KINDS)[number]

/** What is written of a map in metres unless it is said otherwise. */
export const DEFAULT_KINDS: readonly OutputKind[] = ['color', 'depth', 'npy']

/** Of inverse depth without a unit: files that state no metres. */
export const RELATIVE_KINDS: readonly OutputKind[] = ['color', 'npy', 'npz', 'exr', 'json']

/** Those for which the pixels of the photo are needed. */
export const PHOTO_KINDS: readonly OutputKind[] = ['ply', 'glb']

const SUFFIXES: Readonly<Record<Exclude<OutputKind, 'steps'>, readonly string[]>> = {
  color: ['color.png'],
  depth: ['depth.png'],
  log: ['log.png'],
  npy: ['depth.npy'],
  npz: ['depth.npz'],
  exr: ['depth.exr'],
  ply: ['ply'],
  glb: ['glb'],
  json: ['json'],
  sigma: ['sigma.color.png', 'sigma.npy'],
}

/** Suffixes of the files of one image, behind its stem and a dot; `steps` is how many steps the model has. */
export function suffixesOf(kinds: readonly OutputKind[], { steps }: { readonly steps: number }): string[] {
  return kinds.flatMap((kind) => {
    if (kind !== 'steps') return SUFFIXES[kind]
    const each = Array.from({ length: steps }, (_, i) => [`step${i + 1}.color.png`, `step${i + 1}.depth.png`])
    return [...each.flat(), 'steps.png']
  })
}

/** Whether a file's name is that of a result. A folder that is predicted again holds such files among its photos. */
export const isResultName = (name: string): boolean =>
  /\.(?:color|depth|log|steps|step\d+\.(?:color|depth)|sigma\.color)\.png$/i.test(name)

/** The kinds that a comma-separated list names, each once. @throws DarError for a word that is none. */
export function parseKinds(list: string): OutputKind[] {
  const words = list.split(',').map((word) => word.trim().toLowerCase())
  const isKind = (word: string): word is OutputKind => OUTPUT_KINDS.some((kind) => kind === word)
  const wrong = words.find((word) => !isKind(word))
  if (wrong !== undefined)
    throw new DarError(`there is no map '${wrong}'; give a comma-separated list of ${OUTPUT_KINDS.join(', ')}`)
  return [...new Set(words.filter(isKind))]
}
