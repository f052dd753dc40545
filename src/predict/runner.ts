/**
 * What the pipeline asks of whoever runs its graphs: ONNX Runtime in a worker thread of Node (node/prediction-thread.ts), and
 * as well onnxruntime-web or any other engine that takes ONNX.
 */
import type { Compiled, PortInfo } from '../graph/index.ts'

export interface Runner {
  /** Makes a graph ready to run. Weights that `compiled` names outside of its bytes are the runner's to find. */
  load(compiled: Compiled): Promise<RunnableGraph>
}

/** A loaded graph. Holds memory of the engine until it is disposed (by a name that every browser knows: not all have `using`). */
export interface RunnableGraph {
  readonly outputs: readonly PortInfo[]
  /** Computes the outputs named in `fetch`. What comes back belongs to the caller, who may write to it. */
  run(feeds: Readonly<Record<string, Float32Array>>, fetch: readonly string[]): Promise<GraphRun>
  dispose(): Promise<void>
}

export interface GraphRun {
  readonly outputs: Readonly<Record<string, Float32Array>>
  /** Inside the engine. */
  readonly milliseconds: number
}
