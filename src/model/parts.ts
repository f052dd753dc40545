/**
 * Finds the part of the model that a parameter or a node belongs to, from its name alone, so that a new head or neck is
 * counted without further changes. Parameters are named `<part>.…` (algorithm section 13). Nodes are named after the
 * scopes that they were made in, such as `step3/decoder.blocks.0.mlp.fc1/gemm_241`.
 */
import type { Node } from '../graph/index.ts'

const STEP = /^step(\d+)$/

/** `encoder`, `neck`, `decoder`, `bins`, `upsample`, `head`, … */
export function partOfParameter(name: string): string {
  return name.split('.', 1)[0]
}

/** The part of a node; null for one made outside all scopes. */
export function partOfNode({ name }: Pick<Node, 'name'>): string | null {
  const scopes = name.split('/').slice(0, -1)
  const scope = scopes.find((segment) => !STEP.test(segment))
  return scope === undefined ? null : partOfParameter(scope)
}

/** The step, from 1, that a node belongs to; null for one that all steps share. */
export function stepOfNode({ name }: Pick<Node, 'name'>): number | null {
  const match = STEP.exec(name.split('/', 1)[0])
  return match ? Number(match[1]) : null
}
