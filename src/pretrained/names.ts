/**
 * What happens to one tensor of a public weights file: it becomes a parameter of ours (algorithm section 13), is
 * skipped, or is refused. Each naming scheme is a `Rename` in a file of its own; this file has what they share. Names
 * are without the file's prefix.
 */

export type Renamed =
  | {
      readonly kind: 'parameter'
      readonly name: string
      /** Where a fused weight is stored in parts: the index of the part, from 0 (q, k, v for `attn.qkv`). */
      readonly part?: number
    }
  /** Not needed for what this model computes. */
  | { readonly kind: 'skip'; readonly reason: string }
  /**
   * The trained network needs it and this model has no counterpart. Without it the features would differ, so the file
   * is refused.
   */
  | { readonly kind: 'refuse'; readonly reason: string }

/** null: a name that the scheme does not know. */
export type Rename = (name: string) => Renamed | null

export const parameter = (name: string): Renamed => ({ kind: 'parameter', name })
export const fused = (name: string, part: number): Renamed => ({ kind: 'parameter', name, part })
export const skip = (reason: string): Renamed => ({ kind: 'skip', reason })
export const refuse = (reason: string): Renamed => ({ kind: 'refuse', reason })

/** How many tensors make up one fused parameter. */
export const FUSED_PARTS = 3

export const REASONS = {
  maskToken: skip('stands for hidden patches in DINOv2’s own training only'),
  classifier: skip('belongs to a classifier'),
  coarsest: skip('the coarsest level has nothing to be fused with, so it is never used'),
  registers: refuse('register tokens take part in every attention; use the model without registers'),
  distillation: refuse('a distillation token takes part in every attention; use a model without it'),
  swiglu: refuse('its MLP is a SwiGLU (the giant DINOv2), this encoder’s is GELU; use a small, base or large one'),
  classTokens: refuse('its neck mixes the class token into every patch, this one does not; load the encoder alone'),
  batchNorm: refuse('its neck has batch norms, this one does not; load the encoder alone'),
} as const satisfies Readonly<Record<string, Renamed>>

/** The first rule whose pattern is the whole name, or null. */
export function byRules(
  rules: readonly (readonly [pattern: RegExp, becomes: (...groups: string[]) => Renamed])[],
): Rename {
  return (name) => {
    for (const [pattern, becomes] of rules) {
      const match = pattern.exec(name)
      if (match) return becomes(...match.slice(1))
    }
    return null
  }
}
