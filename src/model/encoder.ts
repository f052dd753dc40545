/** The encoder of a config, and the normalisation of its input (algorithm section 2). */

import { Graph, type Shape, ShapeError, type Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { type DropPath, Scope } from '../nn/index.ts'
import { type DarConfig, imageMultiple } from './config.ts'
import type { Trace } from './intermediates.ts'
import { mobileNetBlocks, mobileNetV2 } from './mobilenet.ts'
import { visionTransformer } from './vit.ts'

/** Of red, green and blue in [0, 1]. */
export interface PixelStatistics {
  readonly mean: readonly number[]
  readonly deviation: readonly number[]
}

const IMAGENET: PixelStatistics = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] }
/** [0, 1] becomes [−1, 1]. */
const SYMMETRIC: PixelStatistics = { mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] }

/** Normalisation of the encoder's training: ImageNet's statistics for the ViT, [−1, 1] for MobileNetV2. */
export function pixelStatistics({ encoder }: Pick<DarConfig, 'encoder'>): PixelStatistics {
  return encoder.kind === 'vit' ? IMAGENET : SYMMETRIC
}

/** (rgb − mean) / deviation, per channel.  rgb: B,3,H,W in [0, 1] */
export function normaliseImage(rgb: Tensor, config: DarConfig): Tensor {
  const channels = (values: readonly number[]) => rgb.graph.constant(values, [1, 3, 1, 1])
  const { mean, deviation } = pixelStatistics(config)
  return ops.div(ops.sub(rgb, channels(mean)), channels(deviation))
}

/** Whether the encoder's map at half of the image's size is read. */
const readsHalf = ({ window }: Pick<DarConfig, 'window'>): boolean =>
  window.kind === 'soft' && window.detail && window.detailGrid === 'half'

/** Shapes of the maps that `encode` makes of `batch` images. */
export function tapShapes(
  config: DarConfig,
  { height, width }: { readonly height: number; readonly width: number },
  batch: number,
): Shape[] {
  const graph = new Graph()
  return encode(graph, graph.input('image', [batch, 3, height, width]), config, new Map()).map(({ shape }) => shape)
}

/** Random numbers of `DropPath` that an image takes: one for each branch. */
export function dropBranches({ encoder }: Pick<DarConfig, 'encoder'>): number {
  return encoder.kind === 'vit' ? 2 * encoder.depth : mobileNetBlocks(encoder)
}

/** Normalised image B,3,H,W → four maps, finest first for a pyramid, block by block for a ViT; a fifth where `detailGrid` is `half`. */
export function encode(
  graph: Graph,
  image: Tensor,
  config: DarConfig,
  trace: Trace,
  drop: DropPath | null = null,
): Tensor[] {
  if (image.rank !== 4 || image.shape[1] !== 3) throw new ShapeError('encode', [image], 'needs an image B,3,H,W')
  const at = new Scope(graph, 'encoder')
  const { encoder } = config
  if (encoder.kind === 'mobilenetv2') return mobileNetV2(at, image, encoder, { half: readsHalf(config), trace, drop })
  const multiple = imageMultiple(config)
  if (image.shape[2] % multiple !== 0 || image.shape[3] % multiple !== 0)
    throw new ShapeError('encode', [image], `height and width must be multiples of ${multiple}`)
  return visionTransformer(at, image, encoder, trace, drop)
}
