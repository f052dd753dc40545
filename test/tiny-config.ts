/** Configs small enough for tests. A test names only the fields that it is about. */
import { type DarConfig, parseConfig } from '../src/model/index.ts'

type Fields = Readonly<Record<string, unknown>>

/** A ViT of four blocks, one block of the decoder, two steps. */
export const TINY_VIT = {
  encoderWidth: 16,
  encoderDepth: 4,
  encoderHeads: 2,
  patch: 8,
  posGrid: [4, 6],
  neckFeatures: 8,
  neckChannels: [4, 6, 8, 12],
  memoryWidth: 16,
  layers: 1,
  width: 16,
  heads: 2,
  gruWidth: 8,
  steps: 2,
} as const

/** A quarter of MobileNetV2's width, and the output of the light presets. */
const TINY_MOBILE = {
  encoder: 'mobilenetv2',
  encoderMultiplier: 0.25,
  neckFeatures: 8,
  memoryWidth: 32,
  layers: 1,
  width: 16,
  heads: 2,
  gruWidth: 8,
  steps: 2,
  expand: 3,
  context: true,
  upsample: 'convex',
} as const

/** `TINY_VIT` with some fields changed. */
export const tinyConfig = (fields: Fields = {}): DarConfig => parseConfig({ ...TINY_VIT, ...fields })

/** The same on MobileNetV2. */
export const tinyMobile = (fields: Fields = {}): DarConfig => parseConfig({ ...TINY_MOBILE, ...fields })
