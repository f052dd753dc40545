/**
 * The two input scalings of the encoders (algorithm section 2), on planes in [0, 1]: ImageNet mean and deviation for the ViT,
 * [−1, 1] for MobileNetV2. The model's graph does this itself; the loader, tests and exported models need it as numbers.
 */
import { DarError } from '../support/errors.ts'

/** Of red, green and blue in [0, 1]. */
export const IMAGENET_MEAN: readonly number[] = [0.485, 0.456, 0.406]
/** Of red, green and blue in [0, 1]. */
export const IMAGENET_DEVIATION: readonly number[] = [0.229, 0.224, 0.225]

/** `imagenet`: (x − mean)/deviation per channel. `symmetric`: 2x − 1. */
export type Scaling = 'imagenet' | 'symmetric'

/**
 * Scales `B × 3 × H × W` planes in [0, 1]; `pixels` is H·W and must be given when there is more than one image.
 * Returns `out`, a new array by default; pass the planes themselves to scale in place.
 * @throws DarError when the length is not a whole number of images.
 */
export function normalisePlanes(
  planes: Float32Array,
  scaling: Scaling,
  { pixels = planes.length / 3, out = new Float32Array(planes.length) }: { pixels?: number; out?: Float32Array } = {},
): Float32Array {
  if (!Number.isInteger(pixels) || pixels < 1 || planes.length % (3 * pixels) !== 0 || out.length !== planes.length)
    throw new DarError(
      `cannot normalise ${planes.length} values (${pixels} pixels, out of ${out.length}) as images of three planes; check the layout`,
    )
  for (let plane = 0, at = 0; at < planes.length; plane++) {
    const mean = scaling === 'imagenet' ? IMAGENET_MEAN[plane % 3] : 0.5
    const deviation = scaling === 'imagenet' ? IMAGENET_DEVIATION[plane % 3] : 0.5
    for (const end = at + pixels; at < end; at++) out[at] = (planes[at] - mean) / deviation
  }
  return out
}
