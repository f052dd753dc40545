/**
 * The presets (algorithm section 1). Layers, width and heads of small, base and large are those of the paper's Table 1.
 * lite and nano are this project's, for laptops and browsers. All have a norm before the transformer's last projection,
 * which the paper's formula does not have (`finalNorm`).
 */
import { type DarConfig, parseConfig } from './config.ts'

const VIT_L = {
  encoderWidth: 1024,
  encoderDepth: 24,
  encoderHeads: 16,
  neckFeatures: 256,
  neckChannels: [256, 512, 1024, 1024],
  memoryWidth: 1536,
  gruWidth: 192,
  finalNorm: true,
}

const LIGHT = { expand: 3, context: true, upsample: 'convex', finalNorm: true }

/** Configs by name. */
export const PRESETS: Readonly<Record<string, DarConfig>> = {
  'dar-large': parseConfig({ ...VIT_L, layers: 11, width: 3072, heads: 12 }),
  'dar-base': parseConfig({ ...VIT_L, layers: 9, width: 2048, heads: 8 }),
  'dar-small': parseConfig({ ...VIT_L, layers: 5, width: 1024, heads: 4 }),
  'dar-lite': parseConfig({ ...LIGHT, layers: 3, width: 384, heads: 6 }),
  // The design that docs/log chose at equal cost: the soft tree, each step on its own grid, a last re-weighing at a
  // quarter of the image, from which learnt weights lead to the image's size.
  'dar-nano': parseConfig({
    encoder: 'mobilenetv2',
    neckFeatures: 48,
    memoryWidth: 128,
    layers: 3,
    width: 128,
    heads: 2,
    finalNorm: true,
    hiddenNorm: true,
    finest: 2,
    gruWidth: 32,
    binGrid: 'halved',
    window: 'soft',
    fine: true,
    upsample: 'convex',
    context: true,
    contextGrid: 'step',
    stepWeights: [0.1, 0.1, 0.2, 0.4, 1],
  }),
  // The shape of the first dar-nano. 96 % of its arithmetic is outside the pretrained part.
  'dar-nano-1': parseConfig({
    ...LIGHT,
    encoder: 'mobilenetv2',
    memoryWidth: 192,
    layers: 3,
    width: 192,
    heads: 3,
    gruWidth: 64,
  }),
}
