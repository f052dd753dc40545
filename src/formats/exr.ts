/**
 * OpenEXR of one channel, float32: the metres as they are, which 16 bits are not. The channel is called Y, as OpenCV writes a grey
 * picture and as three.js, Blender and Nuke read one. Layout as in "OpenEXR File Layout" of the format's documentation:
 *
 *     magic, version 2 │ attributes … 0 │ an offset for every block │ blocks: first row, length, pixels
 *
 * With ZIP a block is 16 rows: the bytes split into evens and odds, each replaced by its difference to the one before, deflated; kept
 * as they are where that is no smaller. Left out: half floats, tiles, several parts, other compressions, and reading.
 */
import { zlibSync } from 'fflate'
import { checkDepthImage } from '../image/check.ts'
import type { DepthImage } from '../image/types.ts'

const MAGIC = 20_000_630
const VERSION = 2
const FLOAT = 2
const NO_COMPRESSION = 0
const ZIP = 3
const ZIP_ROWS = 16

/**
 * The bytes of a `.exr` file: values as they are, a pixel without depth as 0. `channel` is the channel's name.
 * @throws DarError when the data does not have width × height values.
 */
export function encodeExr(
  depth: DepthImage,
  { compression = 'zip', channel = 'Y' }: { readonly compression?: 'zip' | 'none'; readonly channel?: string } = {},
): Uint8Array {
  checkDepthImage(depth)
  const { width, height, data } = depth
  const rowsPerBlock = compression === 'zip' ? ZIP_ROWS : 1
  const header = headerOf(width, height, { channel, compression: compression === 'zip' ? ZIP : NO_COMPRESSION })
  const blocks: Uint8Array[] = []
  for (let row = 0; row < height; row += rowsPerBlock) {
    const values = data.subarray(row * width, Math.min(height, row + rowsPerBlock) * width)
    const raw = new Uint8Array(4 * values.length)
    const view = new DataView(raw.buffer)
    for (let i = 0; i < values.length; i++) view.setFloat32(4 * i, values[i], true)
    const packed = compression === 'zip' ? zlibSync(predicted(raw), { level: 4 }) : raw
    blocks.push(packed.length < raw.length ? packed : raw)
  }
  const start = header.length + 8 * blocks.length
  const bytes = new Uint8Array(blocks.reduce((sum, block) => sum + 8 + block.length, start))
  const view = new DataView(bytes.buffer)
  bytes.set(header)
  let at = start
  for (const [i, block] of blocks.entries()) {
    view.setBigUint64(header.length + 8 * i, BigInt(at), true)
    view.setInt32(at, i * rowsPerBlock, true)
    view.setInt32(at + 4, block.length, true)
    bytes.set(block, at + 8)
    at += 8 + block.length
  }
  return bytes
}

/** Evens then odds, then differences around 128. */
function predicted(raw: Uint8Array): Uint8Array {
  const split = new Uint8Array(raw.length)
  const half = (raw.length + 1) >> 1
  for (let i = 0; i < raw.length; i++) split[(i & 1) * half + (i >> 1)] = raw[i]
  for (let i = raw.length - 1; i > 0; i--) split[i] = split[i] - split[i - 1] + 128
  return split
}

function headerOf(
  width: number,
  height: number,
  { channel, compression }: { readonly channel: string; readonly compression: number },
): Uint8Array {
  const parts: number[] = [...int32(MAGIC), ...int32(VERSION)]
  const attribute = (name: string, type: string, value: readonly number[]) =>
    parts.push(...text(name), ...text(type), ...int32(value.length), ...value)
  // Name, type, linear (0) with three bytes of nothing, sampling 1 × 1; a 0 ends the list.
  attribute('channels', 'chlist', [
    ...text(channel),
    ...int32(FLOAT),
    ...[0, 0, 0, 0],
    ...int32(1),
    ...int32(1),
    ...[0],
  ])
  attribute('compression', 'compression', [compression])
  const window = [0, 0, width - 1, height - 1].flatMap(int32)
  attribute('dataWindow', 'box2i', window)
  attribute('displayWindow', 'box2i', window)
  attribute('lineOrder', 'lineOrder', [0])
  attribute('pixelAspectRatio', 'float', float32(1))
  attribute('screenWindowCenter', 'v2f', [...float32(0), ...float32(0)])
  attribute('screenWindowWidth', 'float', float32(1))
  parts.push(0)
  return Uint8Array.from(parts)
}

const text = (value: string): number[] => [...new TextEncoder().encode(value), 0]
const int32 = (value: number): number[] => [...new Uint8Array(Int32Array.of(value).buffer)]
const float32 = (value: number): number[] => [...new Uint8Array(Float32Array.of(value).buffer)]
