/**
 * Adds up gradients of one layout on the engine. Each is made in the buffer `grads`, where the optimiser wants the sum:
 *
 *     first     a ← g        between     a ← a + g        last     g ← a + g
 *
 * In place, which is safe because each buffer is read once, before the write (see optimiser.ts).
 */
import { add, type Compiled, compile, Graph, mul } from '../graph/index.ts'
import type { Engine, LoadOptions, Program, ResidentBuffer } from '../runtime/engine.ts'
import { Owner } from './owner.ts'

/** Holds a buffer of the layout's length and three programs: dispose it. */
export class Accumulator {
  private constructor(
    private readonly owner: Owner,
    private readonly first: Program,
    private readonly between: Program,
    private readonly last: Program,
  ) {}

  static async create(engine: Engine, grads: ResidentBuffer): Promise<Accumulator> {
    const owner = new Owner()
    try {
      const { length } = grads
      const g = grads.slice(0, length)
      const sum = owner.hold(await engine.allocate('accumulated', new Float32Array(length)))
      const a = sum.slice(0, length)
      const load = async (graph: Compiled, bound: LoadOptions) => owner.hold(await engine.load(graph, bound))
      const first = await load(copyGraph(length), { boundInputs: { g }, boundOutputs: { y: a } })
      const between = await load(sumGraph(length), { boundInputs: { a, g }, boundOutputs: { y: a } })
      const last = await load(sumGraph(length), { boundInputs: { a, g }, boundOutputs: { y: g } })
      return new Accumulator(owner, first, between, last)
    } catch (error) {
      await owner.dispose()
      throw error
    }
  }

  /** After gradient `index` of `count` ≥ 2 was made in `grads`; after the last, `grads` holds the sum. */
  async take(index: number, count: number): Promise<void> {
    const program = index === 0 ? this.first : index + 1 < count ? this.between : this.last
    await program.run({})
  }

  async dispose(): Promise<void> {
    await this.owner.dispose()
  }
}

function copyGraph(length: number): Compiled {
  // A multiplication: of an Identity, which the engine removes, a GPU would give the gradient's own memory.
  return compile({ y: mul(new Graph().input('g', [length]), 1) }, { name: 'first gradient of an update' })
}

function sumGraph(length: number): Compiled {
  const graph = new Graph()
  const [a, g] = ['a', 'g'].map((name) => graph.input(name, [length]))
  return compile({ y: add(a, g) }, { name: 'next gradient of an update' })
}
