/** Every intermediate of a model by name, so that two implementations can be compared value by value. */
import type { Tensor } from '../graph/index.ts'

/** Tensors by name. */
export type Trace = Map<string, Tensor>
