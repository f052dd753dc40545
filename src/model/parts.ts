/**
 * Which part of the model a parameter or a node belongs to, from its name alone, so that a new head or neck is accounted
 * for as soon as it exists: parameters are named `<part>.…` (algorithm section 13), nodes after the scopes they were made in,
 * `step3/decoder.blocks.0.mlp.fc1/gemm_241`, those of the K steps inside their step.
 */
import type { Node } from '../graph/index.ts'

const STEP = /^step(\d+)$/

/** `encoder`, `neck`, `decoder`, `bins`, `upsample`, `head`, … */
export function partOfParameter(name: string): string {
  return name.split('.', 1)[0]
}

/** The part of a node; null for one that was made outside all scopes. */
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
