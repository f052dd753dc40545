/**
 * The place of a layer in the parameter tree: `scope.sub('proj_in')` declares `…proj_in.weight` (algorithm section 13).
 */
import type { Graph, Init, Shape, Tensor } from '../graph/index.ts'

export class Scope {
  constructor(
    readonly graph: Graph,
    readonly path = '',
  ) {}

  sub(name: string | number): Scope {
    return new Scope(this.graph, this.path ? `${this.path}.${name}` : `${name}`)
  }

  /** Declares a parameter, or finds it again when a layer is used at every step. */
  parameter(name: string, shape: Shape, init: Init): Tensor {
    return this.graph.parameter(this.path ? `${this.path}.${name}` : name, shape, init)
  }

  /** Nodes made in `body` are named after this scope. */
  run<T>(body: () => T): T {
    return this.path ? this.graph.scope(this.path, body) : body()
  }
}

export const ZEROS: Init = { kind: 'constant', value: 0 }
export const ONES: Init = { kind: 'constant', value: 1 }
/** U(−√3/√fanIn, √3/√fanIn): keeps the variance of unit inputs. */
export const UNIT: Init = { kind: 'fan-in', gain: Math.sqrt(3) }
/** Twice that variance, for a layer before or after a ReLU, which sets half of its values to 0 (He et al., 2015). */
export const HE: Init = { kind: 'fan-in', gain: Math.sqrt(6) }
/** N(0, 0.02), for learned vectors. */
export const SMALL_NORMAL: Init = { kind: 'normal', deviation: 0.02 }
