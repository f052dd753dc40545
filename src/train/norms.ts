/**
 * Norms of the weights and of their gradient, for each part of the model: ‖p‖₂ and ‖g‖₂ over the parameters whose name begins with
 * `encoder.`, `neck.` and so on. They tell which part learns and which grows. Computed in the engine, from the buffers that are there
 * anyway: only two numbers a part leave it. Nothing is written, so that a run is the same bit for bit.
 */
import { compile, Graph, type Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import type { Engine, Program } from '../runtime/engine.ts'
import type { BufferSlice } from '../runtime/protocol.ts'
import type { TrainingState } from './optimiser.ts'
import type { Layout } from './parameters.ts'

/** Of the parameters of one part of the model. */
export interface PartNorms {
  /** The first word of the parameters' names: `encoder`. */
  readonly part: string
  /** ‖p‖₂ */
  readonly weights: number
  /** ‖g‖₂ of the last update, before clipping; 0 where all is frozen. */
  readonly gradient: number
}

/** Holds a program in the engine: dispose it. */
export class Norms {
  private constructor(
    private readonly program: Program,
    private readonly parts: readonly string[],
  ) {}

  /** The state's buffers have the layout's length. */
  static async create(
    engine: Engine,
    layout: Layout,
    { params, grads }: Pick<TrainingState, 'params' | 'grads'>,
  ): Promise<Norms> {
    const stretches = stretchesOf(layout)
    const parts = [...new Set(stretches.map(({ part }) => part))]
    const graph = new Graph()
    const boundInputs: Record<string, BufferSlice> = {}
    const squares = (kind: string, buffer: TrainingState['params'], part: string): Tensor[] =>
      stretches
        .filter((one) => one.part === part)
        .map(({ offset, length }) => {
          const name = `${kind} ${offset}`
          boundInputs[name] = buffer.slice(offset, length)
          const values = graph.input(name, [length])
          return ops.dot(values, values)
        })
    const norm = (terms: readonly Tensor[]) => ops.sqrt(terms.reduce((sum, term) => ops.add(sum, term)))
    const outputs = parts.flatMap((part, i) => [
      [`weights${i}`, norm(squares('weights', params, part))] as const,
      [`gradient${i}`, norm(squares('gradient', grads, part))] as const,
    ])
    const program = await engine.load(compile(Object.fromEntries(outputs), { name: 'norms of the parts' }), {
      boundInputs,
    })
    return new Norms(program, parts)
  }

  /** In the order of the parts' names. */
  async run(): Promise<PartNorms[]> {
    const out = await this.program.run({})
    return this.parts.map((part, i) => ({
      part,
      weights: Number(out[`weights${i}`][0]),
      gradient: Number(out[`gradient${i}`][0]),
    }))
  }

  async dispose(): Promise<void> {
    await this.program.dispose()
  }
}

interface Stretch {
  readonly part: string
  readonly offset: number
  readonly length: number
}

/** Parameters lie in the order of their names, so that those of a part lie together. */
function stretchesOf({ entries }: Layout): Stretch[] {
  const stretches: Stretch[] = []
  for (const { name, offset, length } of entries) {
    const [part] = name.split('.')
    const last = stretches.at(-1)
    if (last?.part === part) stretches[stretches.length - 1] = { ...last, length: last.length + length }
    else stretches.push({ part, offset, length })
  }
  return stretches
}
