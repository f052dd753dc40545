/**
 * Cuts a graph into programs that run one after another, so that the results of the first are there before the last has begun.
 *
 * Stage s computes what its outputs need and no earlier stage has computed. What an earlier stage has computed is carried: it is
 * an output of the program that makes it and an input of those that read it, under one name. Two kinds of nodes are computed
 * again instead of carried: those that depend on no input (weights put together, which the engine folds and lays out for speed
 * once they are constants), and those that are not float32, since programs exchange float32 only. A caller may name more (`again`).
 *
 * Every value is computed by the same operators as in the uncut graph. The results are the same bit for bit, unless the cut separates
 * operators that the engine would fuse: a convolution, and the addition of a value from an earlier stage.
 */
import { type Compiled, type CompileOptions, compile } from './onnx.ts'
import type { Node, Tensor } from './tensor.ts'

/** Outputs of one stage by name. */
export type StageOutputs = Readonly<Record<string, Tensor>>

/** One stage of a graph: what it is given by earlier stages, and what it makes, for the caller and for later ones. */
export interface Stage {
  /** Tensors of earlier stages that are inputs here, with the names of the inputs. */
  readonly given: ReadonlyMap<Tensor, string>
  /** The stage's own outputs and those that it carries to later stages. */
  readonly outputs: StageOutputs
}

/** What a cut may decide otherwise. */
export interface CutOptions {
  /** Nodes that every stage computes for itself from what they read; default: none but those above. */
  readonly again?: (node: Node) => boolean
}

/** Cuts a graph. A tensor that two stages name is computed in the first. */
export function cutStages(wanted: readonly StageOutputs[], { again = () => false }: CutOptions = {}): Stage[] {
  const depends = dependence()
  /** Of nodes that are computed, the stage. */
  const madeIn = new Map<Node, number>()
  const carried = wanted.map(() => new Map<string, Tensor>())
  const stages = wanted.map((outputs, s) => {
    const given = new Map<Tensor, string>()
    const seen = new Set<Node>()
    const visit = (tensor: Tensor): void => {
      const { node } = tensor
      if (!node) return
      const made = madeIn.get(node)
      if (made !== undefined && tensor.dtype === 'float32' && depends(tensor) && !again(node)) {
        const name = `carried/${tensor.name}`
        given.set(tensor, name)
        carried[made].set(name, tensor)
      } else if (!seen.has(node)) {
        seen.add(node)
        node.inputs.forEach(visit)
      }
    }
    Object.values(outputs).forEach(visit)
    for (const node of seen) if (!madeIn.has(node)) madeIn.set(node, s)
    return { given, outputs }
  })
  return stages.map(({ given, outputs }, s) => ({ given, outputs: { ...outputs, ...Object.fromEntries(carried[s]) } }))
}

/** Compiles the stages of a graph. Program s is named after `name` and its number. */
export function compileStages(
  wanted: readonly StageOutputs[],
  { name = 'graph', again, ...options }: Omit<CompileOptions, 'given'> & CutOptions = {},
): (() => Compiled)[] {
  const stages = cutStages(wanted, { again })
  return stages.map(
    ({ given, outputs }, s) =>
      () =>
        compile(outputs, { ...options, given, name: `${name}, stage ${s + 1} of ${stages.length}` }),
  )
}

/** Whether a tensor depends on an input of the graph. Remembers what it has found. */
function dependence(): (tensor: Tensor) => boolean {
  const known = new Map<Node, boolean>()
  const depends = ({ node, source }: Tensor): boolean => {
    if (!node) return source.kind === 'input'
    const before = known.get(node)
    if (before !== undefined) return before
    const found = node.inputs.some(depends)
    known.set(node, found)
    return found
  }
  return depends
}
