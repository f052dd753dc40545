/** Every named intermediate of a model, under the names of the specification: a gift for parity and debugging. */
import type { Tensor } from '../graph/index.ts'

export type Trace = Map<string, Tensor>
