/**
 * The RUNTIME room: ONNX Runtime in a worker thread, for compiled graphs, and model files as arrays. A graph of
 * `dar-depth/graph` is run like this:
 *
 * ```ts
 * import { compile, Graph, sum } from 'dar-depth/graph'
 * import { Engine } from 'dar-depth/runtime'
 *
 * const graph = new Graph()
 * const x = graph.input('x', [3])
 * await using engine = new Engine()
 * await using program = await engine.load(compile({ total: sum(x) }))
 * const { total } = await program.run({ x: Float32Array.of(1, 2, 3) })     // 6
 * ```
 */
export { Engine, EngineError, type EngineOptions, type LoadOptions, Program, ResidentBuffer } from './engine.ts'
export type { BufferSlice, Idle, PortData, Provider } from './protocol.ts'
export { type NamedValues, readWeights, type Weights, writeWeights } from './weights.ts'
