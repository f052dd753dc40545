/**
 * CutDepth (Ishii & Yamashita, 2021), as the vertical strip of GLPDepth (Kim et al., 2022): a part of the photo is replaced by its own
 * depth, as grey. The network sees edges of depth where the photo has others, and learns to use them.
 *
 *     left = ⌊α·W⌋      width = ⌊max((W − α·W)·β·p, 1)⌋      α, β ∈ U[0, 1), p = 0.75
 *
 * Grey is depth over the largest depth of the sample. Where nothing was measured the photo stays.
 */
import type { Random } from '../support/random.ts'

/** p, the largest share of what lies to the right of α·W. */
const LARGEST = 0.75

/** Pastes a strip of `depth`, height·width, over `image`, 3·height·width planar in [0, 1]. Does nothing to a sample without depth. */
export function pasteDepth(
  image: Float32Array,
  depth: Float32Array,
  { width, height }: { readonly width: number; readonly height: number },
  random: Pick<Random, 'uniform'>,
): void {
  const alpha = random.uniform()
  const beta = random.uniform()
  const left = Math.floor(alpha * width)
  const right = left + Math.floor(Math.max((width - alpha * width) * beta * LARGEST, 1))
  const largest = depth.reduce((most, metres) => Math.max(most, metres), 0)
  const plane = width * height
  for (let y = 0; y < height; y++)
    for (let x = left; x < right; x++) {
      const at = y * width + x
      if (!(depth[at] > 0)) continue
      const grey = depth[at] / largest
      for (let c = 0; c < 3; c++) image[c * plane + at] = grey
    }
}
