/**
 * What a graph holds in memory while it runs, by liveness: a value lives from the node that makes it to the last node that
 * reads it. Nodes run in the order in which they were made, if nothing else is said. Four habits of ONNX Runtime's allocation planner are followed:
 *
 *   - an op that only renames values (reshape, stopGradient) makes no copy;
 *   - an element-wise op, and softmax, writes over an operand of the same size that no later node reads;
 *   - a value of the same shape as one that is no longer read takes its place, and that place is **held in between**: a
 *     buffer of attention scores is kept from the first layer to the last, and those of another shape need their own;
 *   - what depends on no input is computed when the graph is loaded, and kept if a run reads it.
 *
 * Left out: holes between blocks in the engine's arena, and what its kernels keep per thread.
 */
import { nodesPerRun, type RunOptions } from './cost.ts'
import { arrayType, leavesBehind, type Node, nodesBehind, type Tensor } from './tensor.ts'

/** What a graph needs in memory, in bytes. */
export interface MemoryUse {
  /** Most bytes alive at once of what a run computes, its outputs among them; inputs and all below are not in it. */
  readonly activations: number
  /** The node at which that is. */
  readonly peakNode: Node | null
  /** Bytes that are fed; what is `given` is not in it. */
  readonly inputs: number
  /** Bytes of the parameters that a run reads; one that is only read while loading does not count. */
  readonly parameters: number
  /** Bytes computed while loading that a run reads. */
  readonly folded: number
  /** Bytes of constants that a run reads, equal ones once. */
  readonly constants: number
}

/** How a graph is run, for what it needs in memory. */
export interface MemoryOptions extends RunOptions {
  /** Results whose memory belongs to somebody else, as outputs bound to resident buffers. */
  readonly bound?: Iterable<Tensor>
  /**
   * Nodes run in the order in which they were `made` (default), or as the `engine` runs them. The two differ where a graph has many outputs:
   * the engine begins with all that one of them needs, so a chain of gradients is computed to its end before those of the weights on its way.
   */
  readonly order?: 'made' | 'engine'
}

const RENAMING = new Set(['reshape', 'stopGradient'])
const IN_PLACE = new Set([
  ...['add', 'sub', 'mul', 'div', 'maximum', 'minimum', 'where'],
  ...['neg', 'exp', 'log', 'sqrt', 'abs', 'sign', 'floor', 'sigmoid', 'tanh', 'relu', 'relu6', 'gelu', 'softmax'],
])

const bytesOf = ({ size, dtype }: Tensor): number => size * arrayType(dtype).BYTES_PER_ELEMENT
const sumOf = (tensors: Iterable<Tensor>): number => [...tensors].reduce((sum, tensor) => sum + bytesOf(tensor), 0)

/** Memory of the graph behind `outputs`, in bytes. */
export function memoryUse(
  outputs: readonly Tensor[],
  { parameters = 'fixed', bound = [], given = new Set(), order = 'made' }: MemoryOptions = {},
): MemoryUse {
  const nodes = nodesPerRun(outputs, { parameters, given })
  const perRun = new Set(nodes)
  const read = new Set(nodes.flatMap((node) => node.inputs))
  for (const output of outputs) read.add(output)
  const fixed = new Set(nodesBehind(outputs, given).filter((node) => !perRun.has(node)))
  const leaves = leavesBehind(outputs, given)
  const ofKind = (kind: Tensor['source']['kind']) =>
    leaves.filter((leaf) => leaf.source.kind === kind && (kind === 'input' || read.has(leaf)))
  return {
    ...peak(order === 'made' ? nodes : engineOrder(nodes), outputs, new Set(bound)),
    inputs: sumOf(ofKind('input')),
    parameters: sumOf(ofKind('parameter')),
    folded: sumOf([...read].filter((tensor) => tensor.node && fixed.has(tensor.node))),
    constants: sumOf(distinct(ofKind('constant'))),
  }
}

/**
 * ONNX Runtime's own order (GraphViewer): depth first from the nodes whose results no node reads, the last made first, and to the inputs of a node
 * likewise.
 */
function engineOrder(nodes: readonly Node[]): Node[] {
  const all = new Set(nodes)
  const makersOf = ({ inputs }: Node) => [
    ...new Set(inputs.flatMap(({ node }) => (node && all.has(node) ? [node] : []))),
  ]
  const read = new Set(nodes.flatMap(makersOf))
  const stack = nodes.filter((node) => !read.has(node)).map((node) => ({ node, isReady: false }))
  const seen = new Set<Node>()
  const order: Node[] = []
  for (let top = stack.pop(); top; top = stack.pop()) {
    const { node, isReady } = top
    if (isReady) order.push(node)
    if (isReady || seen.has(node)) continue
    seen.add(node)
    const makers = makersOf(node).sort((a, b) => a.id - b.id)
    stack.push({ node, isReady: true }, ...makers.map((maker) => ({ node: maker, isReady: false })))
  }
  return order
}

/** A stretch of memory that one or several results occupy, one after another or as one value. */
interface Storage {
  readonly bytes: number
  readonly made: number
  /** When the last reader of what lies in it now has run. */
  lastUse: number
  /** Whether results may be written into it: not so where it is somebody else's. */
  readonly free: boolean
}

/** Of what is renamed but not computed: inputs, parameters, constants. */
const ELSEWHERE: Storage = { bytes: 0, made: 0, lastUse: Number.POSITIVE_INFINITY, free: false }

/** Which operand a result may be written over, if no later node reads that operand. */
function overwritable(node: Node, result: number): readonly Tensor[] {
  if (node.op === 'softmaxMatmul') return result === 1 ? [node.inputs[0]] : []
  return IN_PLACE.has(node.op) ? node.inputs : []
}

function peak(
  nodes: readonly Node[],
  outputs: readonly Tensor[],
  bound: ReadonlySet<Tensor>,
): Pick<MemoryUse, 'activations' | 'peakNode'> {
  const lastUse = lastUses(nodes, outputs)
  const isOutput = new Set(outputs)
  const storage = new Map<Tensor, Storage>()
  const all: Storage[] = []
  /** By shape: storage whose value no later node reads, the latest last. */
  const idle = new Map<string, Storage[]>()

  const place = (node: Node, i: number, now: number): Storage => {
    const result = node.results[i]
    const until = lastUse.get(result) ?? now
    const keep = (known: Storage) => {
      known.lastUse = Math.max(known.lastUse, until)
      return known
    }
    if (bound.has(result)) return { bytes: 0, made: now, lastUse: until, free: false }
    if (RENAMING.has(node.op)) {
      const source = storage.get(node.inputs[0]) ?? ELSEWHERE
      return source === ELSEWHERE ? source : keep(source)
    }
    if (!isOutput.has(result)) {
      for (const operand of overwritable(node, i)) {
        const victim = storage.get(operand)
        if (victim?.free && victim.lastUse === now && victim.bytes === bytesOf(result)) return keep(victim)
      }
      const used = idle.get(shapeKey(result))?.pop()
      if (used) return keep(used)
    }
    const made = { bytes: bytesOf(result), made: now, lastUse: until, free: !isOutput.has(result) }
    all.push(made)
    return made
  }

  nodes.forEach((node, now) => {
    node.results.forEach((result, i) => {
      storage.set(result, place(node, i, now))
    })
    const dead = new Set<Storage>()
    for (const tensor of [...node.inputs, ...node.results]) {
      const known = storage.get(tensor)
      if (!known?.free || known.lastUse !== now || dead.has(known)) continue
      dead.add(known)
      const key = shapeKey(tensor)
      const alike = idle.get(key) ?? []
      idle.set(key, alike)
      alike.push(known)
    }
  })
  return highest(nodes, all)
}

const shapeKey = ({ dtype, shape }: Tensor): string => `${dtype}[${shape.join()}]`

/** Storage is held from its first value to the end of its last. */
function highest(nodes: readonly Node[], all: readonly Storage[]): Pick<MemoryUse, 'activations' | 'peakNode'> {
  const change = new Float64Array(nodes.length + 2)
  for (const { bytes, made, lastUse } of all) {
    change[made] += bytes
    change[lastUse + 1] -= bytes
  }
  let held = 0
  let activations = 0
  let peakNode: Node | null = null
  nodes.forEach((node, now) => {
    held += change[now]
    const scratch = (node.workspace ?? 0) * (node.results[0].dtype === 'float64' ? 8 : 4)
    if (held + scratch <= activations) return
    activations = held + scratch
    peakNode = node
  })
  return { activations, peakNode }
}

/** The number of the last node that reads each tensor; outputs are read when all have run. */
function lastUses(nodes: readonly Node[], outputs: readonly Tensor[]): ReadonlyMap<Tensor, number> {
  const last = new Map<Tensor, number>()
  nodes.forEach((node, n) => {
    for (const input of node.inputs) last.set(input, n)
  })
  for (const output of outputs) last.set(output, nodes.length)
  return last
}

/** One of each set of equal constants. */
function distinct(constants: readonly Tensor[]): Tensor[] {
  const found: Tensor[] = []
  const bySize = new Map<string, Uint8Array[]>()
  for (const tensor of constants) {
    if (tensor.source.kind !== 'constant') continue
    const { buffer, byteOffset, byteLength } = tensor.source.data
    const bytes = new Uint8Array(buffer, byteOffset, byteLength)
    const key = `${tensor.dtype}[${tensor.shape.join()}]`
    const alike = bySize.get(key) ?? []
    if (alike.some((known) => known.every((byte, i) => byte === bytes[i]))) continue
    bySize.set(key, [...alike, bytes])
    found.push(tensor)
  }
  return found
}
