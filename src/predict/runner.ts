/**
 * The engine as the pipeline sees it: ONNX Runtime in a worker thread of Node (node/prediction-thread.ts),
 * onnxruntime-web, or any other engine that takes ONNX.
 */
import type { Compiled, PortInfo } from '../graph/index.ts'

export interface Runner {
  /** Makes a graph ready to run. The runner finds the weights that `compiled` names outside its bytes. */
  load(compiled: Compiled): Promise<RunnableGraph>
}

/**
 * A loaded graph, which holds memory of the engine until `dispose`. Not every browser has `using`, so the method has a
 * plain name.
 */
export interface RunnableGraph {
  readonly outputs: readonly PortInfo[]
  /** Computes the outputs named in `fetch`. The returned arrays belong to the caller, who may write to them. */
  run(feeds: Readonly<Record<string, Float32Array>>, fetch: readonly string[]): Promise<GraphRun>
  dispose(): Promise<void>
}

export interface GraphRun {
  readonly outputs: Readonly<Record<string, Float32Array>>
  /** Inside the engine. */
  readonly milliseconds: number
}
