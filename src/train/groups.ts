/**
 * Parameter groups: how fast each parameter learns, and whether it decays. By the parameter's name and shape alone.
 *
 *     s = multiplier · d^(L + 1 − k)         k = 0 for the encoder's embedding, 1 … L for its blocks; what comes after has d⁰
 *
 * so block i (from 0) has d^(L − i). The early layers of a pretrained encoder know edges and textures, which need little change; the
 * late ones are of the task that they were trained for (Clark et al. 2020, ELECTRA; BEiT, Bao et al. 2022).
 */
import { assert } from '../support/errors.ts'
import type { Entry, Layout } from './parameters.ts'

/** s of a parameter without layer-wise decay: that of the first start that fits its name, else 1. */
export function multiplierOf(name: string, multipliers: Readonly<Record<string, number>> = {}): number {
  return Object.entries(multipliers).find(([start]) => name.startsWith(start))?.[1] ?? 1
}

/** Layers of an encoder, by its parameters' names: `blocks` of a ViT, `features` of MobileNetV2, whose first is the embedding. */
const BLOCK = /^encoder\.(?:blocks\.(\d+)|features\.(\d+))\./
const EMBEDDING = /^encoder\.(?:cls_token|pos_embed|patch_embed)\b/
/** The ViT's last norm comes after its blocks. */
const AFTER = /^encoder\.norm\./

/** k of the formula above; null for what comes after the encoder's blocks. */
export function encoderLayer(name: string): number | null {
  const match = BLOCK.exec(name)
  if (match) return match[1] === undefined ? Number(match[2]) : Number(match[1]) + 1
  if (EMBEDDING.test(name)) return 0
  assert(!name.startsWith('encoder.') || AFTER.test(name), `${name} is in no known layer of an encoder`)
  return null
}

/** s of every parameter, in the layout's order. */
export function rateFactors(
  { entries }: Layout,
  { multipliers, layerDecay }: { readonly multipliers: Readonly<Record<string, number>>; readonly layerDecay: number },
): number[] {
  const own = entries.map(({ name }) => multiplierOf(name, multipliers))
  if (layerDecay === 1) return own
  const layers = entries.map(({ name }) => encoderLayer(name))
  const last = Math.max(...layers.map((layer) => layer ?? 0))
  return layers.map((layer, i) => own[i] * (layer === null ? 1 : layerDecay ** (last + 1 - layer)))
}

/** Whether a parameter decays: weights of two or more axes, unless `noDecay` has its start; vectors if `decayVectors` says so. */
export function decays(
  { name, shape }: Pick<Entry, 'name' | 'shape'>,
  { decayVectors, noDecay }: { readonly decayVectors: boolean; readonly noDecay: readonly string[] },
): boolean {
  return (decayVectors || shape.length >= 2) && !noDecay.some((start) => name.startsWith(start))
}
