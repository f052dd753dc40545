/** For tests of figures: frames of a depth map, and the measurements of one as the boundary score takes them. */
import type { Frame } from '../data/types.ts'
import type { DepthImage } from '../image/types.ts'
import type { Measured } from './boundary.ts'

/** A frame whose image has the size of its depth map unless another is given. */
export function frameOf(
  depth: DepthImage | null,
  { name = 'made/0', width = depth?.width ?? 4, height = depth?.height ?? 4 } = {},
): Frame {
  return { name, image: { width, height, data: new Uint8Array(3 * width * height) }, depth, intrinsics: null }
}

/** The pixels of a map, `width` wide, where `valid` is nonzero. */
export function measuredOf(truth: ArrayLike<number>, valid: ArrayLike<number>, width: number): Measured {
  const all = Array.from(valid, (_, i) => i).filter((i) => valid[i])
  const at = Int32Array.from(all)
  const starts = Int32Array.from(
    { length: truth.length / width + 1 },
    (_, y) => all.filter((i) => i < y * width).length,
  )
  return { width, starts, at, g: Float64Array.from(at, (i) => truth[i]) }
}
