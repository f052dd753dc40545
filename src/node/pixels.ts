/** Copies large arrays of pixels in pieces, so that the event loop does not wait. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Channels, copyAsRgb } from '../image/rgb.ts'

/** Bytes copied in one turn of the event loop. This takes about a millisecond, including the new memory pages. */
const AT_ONCE = 2 ** 21

/**
 * Copies the bytes into new memory, which may be transferred to a thread. The source must not change until the copy is
 * there.
 */
export async function copyInTurns(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const copy = new Uint8Array(bytes.length)
  for (let from = 0; from < bytes.length; from += AT_ONCE) {
    if (from > 0) await nextTurn()
    copy.set(bytes.subarray(from, from + AT_ONCE), from)
  }
  return copy
}

/** The same for pixels that need not be RGB. Returns RGB, three bytes a pixel. */
export async function copyAsRgbInTurns(
  data: Uint8Array | Uint8ClampedArray,
  channels: Channels,
): Promise<Uint8Array<ArrayBuffer>> {
  const pixels = data.length / channels
  const copy = new Uint8Array(3 * pixels)
  const most = Math.floor(AT_ONCE / (channels === 3 ? 3 : 24)) // byte by byte takes about eight times as long
  for (let from = 0; from < pixels; from += most) {
    if (from > 0) await nextTurn()
    copyAsRgb(data, channels, copy, { from, to: Math.min(pixels, from + most) })
  }
  return copy
}
