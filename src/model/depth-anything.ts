/**
 * Depth Anything as configs of this model: its encoder, neck and head with its own arithmetic, so that its public
 * weights give the same output here (Yang et al., 2024; github.com/DepthAnything/Depth-Anything-V2,
 * github.com/LiheYoung/Depth-Anything).
 *
 * Their tensors have the same names and shapes in V1 and V2, relative and metric, but other meanings: V1 taps the last
 * four blocks, and a metric model ends in sigmoid × its largest depth. Left out: DINOv2's +0.1 in the ratio of position
 * grids, which the original code has and Hugging Face's does not. It makes a small difference, only for images that are
 * not 518×518.
 */
import { type DarConfig, parseConfig } from './config.ts'

const SIZES = {
  small: {
    encoderWidth: 384,
    encoderDepth: 12,
    encoderHeads: 6,
    neckFeatures: 64,
    neckChannels: [48, 96, 192, 384],
    lastFour: [8, 9, 10, 11],
  },
  base: {
    encoderWidth: 768,
    encoderDepth: 12,
    encoderHeads: 12,
    neckFeatures: 128,
    neckChannels: [96, 192, 384, 768],
    lastFour: [8, 9, 10, 11],
  },
  large: {
    encoderWidth: 1024,
    encoderDepth: 24,
    encoderHeads: 16,
    neckFeatures: 256,
    neckChannels: [256, 512, 1024, 1024],
    lastFour: [20, 21, 22, 23],
  },
} as const

const VARIANTS = {
  v1: { dptOutput: 'relative' },
  v2: { dptOutput: 'relative' },
  /** Trained on Hypersim. */
  'v2-metric-indoor': { dptOutput: 'metric', dMax: 20 },
  /** Trained on Virtual KITTI 2. */
  'v2-metric-outdoor': { dptOutput: 'metric', dMax: 80 },
} as const

/** `depth-anything-<variant>-<size>`: v1, v2, v2-metric-indoor or v2-metric-outdoor; small, base or large. */
export const DEPTH_ANYTHING: Readonly<Record<string, DarConfig>> = Object.fromEntries(
  Object.entries(VARIANTS).flatMap(([variant, output]) =>
    Object.entries(SIZES).map(([size, { lastFour, ...encoder }]) => [
      `depth-anything-${variant}-${size}`,
      parseConfig({
        head: 'dpt',
        dptResize: 'corners',
        taps: variant === 'v1' ? lastFour : null,
        ...encoder,
        ...output,
      }),
    ]),
  ),
)
