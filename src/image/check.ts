/** Whether what a caller hands over is an image at all: said at the door, before a loop over pixels trips over it. */
import { DarError } from '../support/errors.ts'
import type { DepthImage, RgbImage } from './types.ts'

/** @throws DarError unless `map` has a width, a height and as many values. `what` names it in the message. */
export function checkDepthImage(map: DepthImage, what = 'the depth map'): void {
  checkPixels(map, 1, what)
}

/** @throws DarError unless `image` has a width, a height and three bytes a pixel. `what` names it in the message. */
export function checkRgbImage(image: RgbImage, what = 'the image'): void {
  checkPixels(image, 3, what)
}

function checkPixels(image: DepthImage | RgbImage, channels: number, what: string): void {
  const { width, height, data } = (image ?? {}) as Partial<DepthImage | RgbImage>
  const takes = channels === 1 ? 'values (a map of predict, or { width, height, data })' : 'bytes of RGB'
  const isSide = (side: unknown): side is number => Number.isInteger(side) && Number(side) > 0
  if (!isSide(width) || !isSide(height))
    throw new DarError(`${what} is of ${width}×${height} pixels; check the size: whole numbers, with as many ${takes}`)
  const count = channels * width * height
  if (!ArrayBuffer.isView(data) || data.length !== count)
    throw new DarError(
      `${what} of ${width}×${height} pixels has ${data?.length ?? 'no'} values; give ${count} ${takes}`,
    )
}
