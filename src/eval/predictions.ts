/**
 * Depth maps of another program, read from files and scored by the same code as a model. A map is a 16-bit grey PNG, a `.npy`,
 * or a `.npz` with one array. If a `.npz` has several, the one named depth, pred, prediction or arr_0 is taken.
 *
 * A file belongs to a frame by its name. The data set's own name in front of a frame's name does not count. Three rules are tried
 * in this order:
 *
 *   1. the file's path below the folder, without extension, is the frame's name;
 *   2. the file's own name is the last part of the frame's name;
 *   3. the same, without words that data sets put around a number (`rgb_00012`, `00012_colors`).
 *
 * Two files that fit by rule 2 or 3 are an error.
 *
 * The folder may be what `dar predict` wrote. NAME.depth.npy and NAME.depth.png are then the prediction of NAME; the pictures and
 * steps beside them are ignored. If a frame has a PNG and an array, the array is read, because it is not rounded.
 *
 * A map of the image's size shows the whole image. A map of another size shows the input of the protocol (the KB crop, FastDepth's box).
 * The windows and flips of a protocol are not applied: the program that predicted has to do that.
 */
import { readdir } from 'node:fs/promises'
import { basename, extname, join, relative, sep } from 'node:path'
import { unzipSync } from 'fflate'
import type { Frame } from '../data/types.ts'
import { decodeNpy } from '../image/npy.ts'
import type { DepthImage } from '../image/types.ts'
import { decodeDepthPng } from '../node/decode.ts'
import { DarError, messageOf } from '../support/errors.ts'
import { readRegularFile } from '../support/read-file.ts'
import { checkZipDirectory, unzipChecked } from '../support/zip.ts'
import type { Prediction, Predictor } from './prediction.ts'
import { inputBox, type Protocol, peerBox } from './protocol.ts'

const KINDS = ['.png', '.npy', '.npz'] as const
type Kind = (typeof KINDS)[number]

/** Largest file, before unpacking. */
const MAX_FILE_BYTES = 2 ** 30
/** A map may have four times as many pixels on each side as its frame, of 64-bit numbers. */
const mostBytes = ({ width, height }: Frame['image']) => 8 * Math.max(16 * width * height, 2 ** 16) + 2 ** 16

/** What the files of a folder of predictions hold. */
export interface PredictionOptions {
  /** Units per metre of the stored values. Default: 1000 for PNG, as NYU's; 1 for arrays. */
  readonly scale?: number
  /** `inverse`: the files hold 1/depth (disparity), as relative models give; for `scale+shift-inverse`. Default: `depth`. */
  readonly kind?: 'depth' | 'inverse'
}

/** Depth maps of another program, found by the names of frames. */
export interface PredictionFolder {
  readonly files: number
  /**
   * The names of the frames that have a map, in the given order. Figures of a part of a set are not those of the whole set; who
   * prints them must say so. Throws a DarError when no frame has a map.
   */
  found(names: readonly string[]): readonly string[]
  /** For `evaluate` with `input: 'given'`. The predictor throws a DarError for a frame without a map and for a damaged file. */
  predictor(protocol: Pick<Protocol, 'input'>): Predictor
}

/**
 * Lists `folder` and its subfolders.
 * @throws DarError when the folder cannot be read, has no depth map, or has two arrays of one frame.
 */
export async function predictionFolder(folder: string, options: PredictionOptions = {}): Promise<PredictionFolder> {
  const { scale } = options
  if (scale !== undefined && !(scale > 0 && Number.isFinite(scale)))
    throw new DarError(`the scale of the predictions is ${scale}; give units per metre, for example 1000 or 256`)
  const files = await listMaps(folder)
  const byPath = new Map<string, string>()
  const byName = new Map<string, string[]>()
  for (const file of files) {
    const path = frameOf(relative(folder, file).split(sep).join('/')).normalize('NFC')
    const other = byPath.get(path)
    if (other !== undefined && isSameOfPredict(other, file)) continue
    if (other !== undefined && isArray(other) && isArray(file))
      throw new DarError(`${other} and ${file} are two predictions of one frame; remove one of them`)
    if (other === undefined || isArray(file)) byPath.set(path, file)
  }
  const byBareName = new Map<string, string[]>()
  const add = (map: Map<string, string[]>, key: string, file: string) => map.set(key, [...(map.get(key) ?? []), file])
  for (const [path, file] of byPath) {
    add(byName, basename(path), file)
    add(byBareName, bareName(path), file)
  }
  const find = (asked: string): string | null => {
    const name = asked.normalize('NFC') // as files are named above, however a system stores an accent
    const exact = byPath.get(name)
    if (exact) return exact
    const named = byName.get(basename(name)) ?? byBareName.get(bareName(name)) ?? []
    if (named.length > 1)
      throw new DarError(`${named[0]} and ${named[1]} could both be the prediction of ${name}; name them by its path`)
    return named[0] ?? null
  }
  return {
    files: files.length,
    found(names) {
      const found = names.filter((name) => find(name) !== null)
      if (found.length === 0)
        throw new DarError(
          `none of the ${names.length} frames has a prediction in ${folder}; name the files ${names[0]}.npy (or .npz, .png, .depth.png)`,
        )
      return found
    },
    predictor:
      ({ input = 'whole' }) =>
      async (frame) => {
        const file = find(ownName(frame.name))
        if (file === null)
          throw new DarError(`${frame.name} has no prediction in ${folder}; add ${ownName(frame.name)}.npy`)
        return placed(await readMap(file, options, mostBytes(frame.image)), frame, input, file)
      },
  }
}

const ownName = (name: string) => name.slice(name.indexOf('/') + 1)

function placed(map: DepthImage, { name, image }: Frame, input: Protocol['input'], file: string): Prediction {
  const { width, height } = image
  if (map.width === height && map.height === width && width !== height)
    throw new DarError(`${file} is ${map.width}x${map.height}, the transpose of ${name}; save height × width`)
  if (map.width === width && map.height === height) return map
  // The centre box is not rounded to pixels here. Only a network, which reads pixels, needs that.
  return { ...map, covers: input === 'centre' ? peerBox(width, height) : inputBox(input ?? 'whole', width, height) }
}

const isArray = (file: string) => kindOf(file) !== '.png'

/** The frame that a file is the prediction of, by the file's path below the folder. */
function frameOf(path: string): string {
  return path.slice(0, -extname(path).length).replace(/\.depth$/, '')
}

/** `rgb_00012` and `00012_colors` are both `00012`. */
function bareName(name: string): string {
  return basename(name)
    .replace(/^(?:rgb|image|img|color|frame|depth|pred)[-_]/i, '')
    .replace(/[-_](?:rgb|image|img|colors?|depth|pred)$/i, '')
}

/** Of one photo, by `dar predict --maps npy,npz`: the same values twice. Files are in the order of their names. */
const isSameOfPredict = (other: string, file: string) =>
  other.endsWith('.depth.npy') && file === other.replace(/npy$/, 'npz')

/** What `dar predict` writes beside its depth: pictures to look at, the maps of the steps, sigma. */
const BESIDE_DEPTH = /\.(?:color\.png|log\.png|step\d+\.(?:color|depth)\.png|steps\.png|sigma\.npy|sigma\.color\.png)$/i

async function listMaps(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw new DarError(`cannot list the predictions in ${folder}: ${messageOf(error)}; check the path`, {
      kind: 'missing',
    })
  })
  const files = entries
    .filter(
      (entry) =>
        entry.isFile() && !entry.name.startsWith('.') && kindOf(entry.name) !== null && !BESIDE_DEPTH.test(entry.name),
    )
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
  if (files.length === 0)
    throw new DarError(`no ${KINDS.join(', ')} file in ${folder}; give the folder of the predicted depth maps`)
  return files
}

function kindOf(file: string): Kind | null {
  return KINDS.find((kind) => extname(file).toLowerCase() === kind) ?? null
}

async function readMap(file: string, { scale, kind = 'depth' }: PredictionOptions, most: number): Promise<DepthImage> {
  const stored = kindOf(file)
  if (stored === '.png') {
    const map = await decodeDepthPng(file, { unitsPerMetre: scale ?? 1000 })
    return kind === 'inverse' ? inverted(map) : map
  }
  const bytes = await readRegularFile(file, { most: stored === '.npz' ? MAX_FILE_BYTES : most })
  const { shape, data } = decodeNpy(stored === '.npz' ? arrayOf(bytes, file, most) : bytes, { name: file })
  const sides = shape.filter((side) => side !== 1)
  const [height, width] = shape.length === 2 ? shape : sides
  if (width * height !== data.length || !(data.length > 0) || (shape.length !== 2 && sides.length !== 2))
    throw new DarError(`${file} has the shape [${shape}]; save one map of height × width`)
  if (scale !== undefined && scale !== 1) for (let i = 0; i < data.length; i++) data[i] /= scale
  const map = { width, height, data }
  return kind === 'inverse' ? inverted(map) : map
}

/** 1/value. A value of 0 or less means infinitely far. */
function inverted({ width, height, data }: DepthImage): DepthImage {
  return { width, height, data: data.map((value) => (value > 0 ? 1 / value : Number.POSITIVE_INFINITY)) }
}

const PREFERRED = ['depth', 'pred', 'prediction', 'arr_0']

function arrayOf(bytes: Uint8Array, file: string, most: number): Uint8Array {
  const names: string[] = []
  let arrays: Record<string, Uint8Array>
  try {
    checkZipDirectory(bytes)
    unzipSync(bytes, { filter: ({ name }) => names.push(name) < 0 }) // lists, and unpacks none
    const npys = names.filter((name) => name.endsWith('.npy'))
    const chosen =
      npys.length === 1 ? npys[0] : PREFERRED.map((name) => `${name}.npy`).find((name) => npys.includes(name))
    if (chosen === undefined)
      throw new DarError(
        npys.length === 0
          ? `${file} holds no array; write it with numpy.savez`
          : `${file} holds ${npys.length} arrays (${npys.slice(0, 5).join(', ')}); name the depth map 'depth'`,
      )
    arrays = unzipChecked(bytes, ({ name, originalSize }) => {
      if (name === chosen && originalSize > most)
        throw new DarError(
          `${file}: ${name} has ${originalSize} bytes, too many for the depth of its frame; save one map a file`,
        )
      return name === chosen
    })
  } catch (error) {
    if (error instanceof DarError) throw error
    throw new DarError(`${file} is not a whole .npz (${messageOf(error)}); copy or save it again`)
  }
  return Object.values(arrays)[0]
}
