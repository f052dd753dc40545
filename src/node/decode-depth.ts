/**
 * Depth maps as files, known by their first bytes: 16-bit PNG (decode.ts), `.npy`, and TIFF of one channel with 16 or 32 bits, whole
 * numbers or floats. Numbers are metres times `unitsPerMetre`; what is no positive, finite number is no measurement, 0.
 *
 * Left out, and named when they are met: OpenEXR, PFM, `.npz`, `.mat`.
 */
import sharp from 'sharp'
import { readNpy } from '../image/npy.ts'
import { sniffFormat } from '../image/sniff.ts'
import type { DepthImage } from '../image/types.ts'
import { DarError, messageOf } from '../support/errors.ts'
import { readRegularFile } from '../support/read-file.ts'
import { checkPixels, damaged, decodeDepthPng, MAX_FILE_BYTES } from './decode.ts'

/** Of a depth map of any kind. */
export interface DepthFileOptions {
  /** Default: 1000 for whole numbers, 1 for floats. */
  readonly unitsPerMetre?: number
  readonly maxPixels?: number
  /** What messages call it; default: the path. */
  readonly name?: string
}

/**
 * Reads a depth map as metres. `source` is a path or a file's bytes.
 * @throws DarError, one line, when it is missing, of another kind, not of one channel, damaged, or too large.
 */
export async function decodeDepth(source: string | Uint8Array, options: DepthFileOptions = {}): Promise<DepthImage> {
  const { name = typeof source === 'string' ? source : 'the depth map', unitsPerMetre, maxPixels = 100e6 } = options
  const bytes = typeof source === 'string' ? await readRegularFile(source, { name, most: MAX_FILE_BYTES }) : source
  if (isNpy(bytes)) return depthOfNpy(bytes, { name, unitsPerMetre, maxPixels })
  if (isMatlab(bytes)) throw unread(name, 'a MATLAB file')
  if (isHdf5(bytes)) throw unread(name, 'an HDF5 file')
  if (isZip(bytes)) throw unread(name, 'a .npz or another zip')
  const format = sniffFormat(bytes, name, ['png', 'tiff'])
  if (format === 'png') return decodeDepthPng(bytes, { unitsPerMetre, maxPixels, name })
  return depthOfTiff(bytes, { name, unitsPerMetre, maxPixels })
}

const unread = (name: string, what: string) =>
  new DarError(
    `${name} is ${what}, which is not read as depth; save it as .npy (numpy.save) or as a 16-bit grey PNG in millimetres`,
  )

type Known = Required<Pick<DepthFileOptions, 'name' | 'maxPixels'>> & Pick<DepthFileOptions, 'unitsPerMetre'>

function depthOfNpy(bytes: Uint8Array, { name, unitsPerMetre, maxPixels }: Known): DepthImage {
  const { shape, data, isWhole } = readNpy(bytes, { name })
  // One map: height × width, with axes of 1 around it (DIODE's has one for its channel).
  const sides = shape.length === 2 ? shape : shape.filter((side) => side !== 1)
  const [height, width] = sides
  if (sides.length !== 2 || !(data.length > 0))
    throw new DarError(`${name} has the shape [${shape}]; save depth as height × width`)
  if (data.length > maxPixels) throw new DarError(`${name} has ${width}×${height} pixels; scale it down`)
  return { width, height, data: inMetres(data, unitsPerMetre ?? (isWhole ? 1000 : 1)) }
}

async function depthOfTiff(bytes: Uint8Array, { name, unitsPerMetre, maxPixels }: Known): Promise<DepthImage> {
  try {
    const input = sharp(bytes, { failOn: 'error', limitInputPixels: false, ignoreIcc: true })
    const header = await input.metadata()
    checkPixels(header, name, maxPixels)
    const kind = KINDS[header.depth]
    if (!kind || header.channels !== 1)
      throw new DarError(
        `${name} is a TIFF of ${header.channels} channels (${header.depth}); save depth with one channel of 16 or 32 bits`,
      )
    const raw = input.toColourspace(kind.space).raw({ depth: header.depth })
    const { data, info } = await raw.toBuffer({ resolveWithObject: true })
    const values = Float32Array.from(kind.view(data))
    return {
      width: info.width,
      height: info.height,
      data: inMetres(values, unitsPerMetre ?? (header.depth === 'float' ? 1 : 1000)),
    }
  } catch (error) {
    throw error instanceof DarError ? error : damaged(name, 'tiff', messageOf(error))
  }
}

/** By the decoder's name of a type: the colour space in which it leaves values alone, and its array. */
const KINDS: Readonly<Record<string, { readonly space: string; readonly view: (data: Buffer) => ArrayLike<number> }>> =
  {
    ushort: { space: 'grey16', view: (data) => new Uint16Array(data.buffer, data.byteOffset, data.length / 2) },
    uint: { space: 'b-w', view: (data) => new Uint32Array(data.buffer, data.byteOffset, data.length / 4) },
    float: { space: 'b-w', view: (data) => new Float32Array(data.buffer, data.byteOffset, data.length / 4) },
  }

/** In its own memory. */
function inMetres(data: Float32Array, unitsPerMetre: number): Float32Array {
  if (!(unitsPerMetre > 0 && Number.isFinite(unitsPerMetre)))
    throw new DarError(`unitsPerMetre is ${unitsPerMetre}; give a positive number, for example 1000 for millimetres`)
  for (let i = 0; i < data.length; i++) {
    const value = data[i] / unitsPerMetre
    data[i] = value > 0 && value < Number.POSITIVE_INFINITY ? value : 0
  }
  return data
}

const startsWith = (bytes: Uint8Array, text: string, at = 0) =>
  Buffer.from(
    bytes.buffer,
    bytes.byteOffset + Math.min(at, bytes.length),
    Math.min(text.length, Math.max(0, bytes.length - at)),
  ).toString('latin1') === text
const isNpy = (bytes: Uint8Array) => startsWith(bytes, '\x93NUMPY')
const isZip = (bytes: Uint8Array) => startsWith(bytes, 'PK\x03\x04')
/** MATLAB's text comes first; in 7.3 files HDF5 begins after 512 bytes. */
export const isMatlab = (bytes: Uint8Array): boolean => startsWith(bytes, 'MATLAB ')
export const isMatlab5 = (bytes: Uint8Array): boolean => startsWith(bytes, 'MATLAB 5.0')
export const isHdf5 = (bytes: Uint8Array): boolean =>
  [0, 512, 1024, 2048].some((at) => startsWith(bytes, '\x89HDF\r\n\x1a\n', at))
