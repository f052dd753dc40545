/** Pixels of one to four channels as RGB: grey is repeated, alpha is dropped, which shows the colours under transparent pixels. */

/** Channels of 8-bit pixels: grey, grey and alpha, RGB, RGB and alpha. */
export type Channels = 1 | 2 | 3 | 4

/** Pixels `from` to `to` of `source`, row-major and channels last, into `rgb` at the same places. */
export function copyAsRgb(
  source: Uint8Array | Uint8ClampedArray,
  channels: Channels,
  rgb: Uint8Array,
  { from, to }: { readonly from: number; readonly to: number },
): void {
  if (channels === 3) {
    rgb.set(source.subarray(3 * from, 3 * to), 3 * from)
    return
  }
  // The second and third colour lie beside the first, or are the same grey.
  const step = channels === 4 ? 1 : 0
  for (let pixel = from; pixel < to; pixel++) {
    const at = channels * pixel
    rgb[3 * pixel] = source[at]
    rgb[3 * pixel + 1] = source[at + step]
    rgb[3 * pixel + 2] = source[at + 2 * step]
  }
}
