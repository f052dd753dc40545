/** A depth map as the bytes of an answer. It runs in the codec's thread (codec-thread.ts): a map of 12 megapixels takes a second. */
import { colourise, DEFAULT_SCALE } from '../image/colormap.ts'
import { withLegend } from '../image/legend.ts'
import { encodeNpy } from '../image/npy.ts'
import { decodeImage } from '../node/decode.ts'
import { encodeDepth } from '../node/encode-depth.ts'
import { encodeOutputs } from '../node/outputs.ts'
import { encodeDepthPng, encodePngRgb } from '../node/png16.ts'
import type { DepthMap } from '../predict/types.ts'
import { assert, DarError } from '../support/errors.ts'
import type { DepthOptions } from './depth-options.ts'
import type { FormatName } from './formats.ts'

/** What of a map is answered besides its values. */
export interface MapInfo
  extends Pick<DepthMap, 'width' | 'height' | 'focal' | 'networkSize' | 'milliseconds' | 'warnings'> {
  readonly model: string
  readonly unit: 'metre' | 'relative'
}

export interface EncodeJob {
  readonly format: FormatName
  readonly info: MapInfo
  readonly depth: Float32Array
  readonly style: Pick<DepthOptions, 'map' | 'near' | 'far'>
  /** The photo's file, for a surface that wears it. */
  readonly photo?: Uint8Array
}

export async function encodeMap({ format, info, depth, style, photo }: EncodeJob): Promise<Uint8Array> {
  const { width, height, unit } = info
  const image = { width, height, data: depth }
  switch (format) {
    case 'png16':
      return encodeDepthPng(image)
    case 'npy':
      return encodeNpy(depth, [height, width])
    case 'color': {
      if (unit === 'relative') return relativePicture(mapOf(info, depth), style)
      const scale = { ...DEFAULT_SCALE, ...defined(style) }
      return encodePngRgb(withLegend(colourise(image, scale), scale))
    }
    case 'glb':
      assert(photo, 'a surface without its photo')
      return encodeDepth('glb', mapOf(info, depth), { image: await decodeImage(photo, { name: 'the image' }) })
    case 'json':
      return new TextEncoder().encode(
        JSON.stringify({ ...info, range: rangeOf(depth), depth: base64Array(depth, [height, width]) }),
      )
  }
}

/** Checks the colours of a request before its map is computed. @throws DarError */
export function checkStyle(style: EncodeJob['style']): void {
  colourise({ width: 1, height: 1, data: Float32Array.of(1) }, { ...DEFAULT_SCALE, ...defined(style) })
}

const defined = (style: EncodeJob['style']) =>
  Object.fromEntries(Object.entries(style).filter(([, value]) => value !== undefined)) as EncodeJob['style']

/** As `dar predict` draws one. */
async function relativePicture(map: DepthMap, style: EncodeJob['style']): Promise<Uint8Array> {
  const files = await encodeOutputs(map, { ...defined(style), unit: 'relative' })
  const picture = files.get('color.png')
  if (!picture) throw new DarError('there is no picture of a relative map', { kind: 'output' })
  return picture
}

const mapOf = ({ model: _, unit: __, ...info }: MapInfo, depth: Float32Array): DepthMap => ({
  ...info,
  depth,
  data: depth,
  sigma: null,
  steps: [],
})

function rangeOf(depth: Float32Array): { min: number; max: number } {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let i = 0; i < depth.length; i++) {
    if (depth[i] < min) min = depth[i]
    if (depth[i] > max) max = depth[i]
  }
  return { min, max }
}

function base64Array(data: Float32Array, shape: readonly number[]) {
  const base64 = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
  return { dtype: 'float32', byteOrder: 'little', shape, base64 }
}
