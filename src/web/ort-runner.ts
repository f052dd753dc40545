/**
 * A `Runner` over ONNX Runtime's JavaScript interface, as onnxruntime-web has it in a page. The engine is handed in, so that this file
 * loads neither the wasm one nor the WebGPU one; `OrtEngine` is the part of the interface that is used.
 */
import { type Compiled, type DType, sizeOf } from '../graph/index.ts'
import type { RunnableGraph, Runner } from '../predict/index.ts'
import { DarError, messageOf } from '../support/errors.ts'

/** `import * as ort from 'onnxruntime-web/wasm'` is one. */
export interface OrtEngine<Tensor = unknown> {
  readonly Tensor: new (type: Exclude<DType, 'bool'>, data: Float32Array, dims: readonly number[]) => Tensor
  readonly InferenceSession: {
    create(model: Uint8Array, options: OrtOptions): Promise<OrtSession<Tensor>>
  }
}

/** A loaded model. */
export interface OrtSession<Tensor> {
  run(feeds: Readonly<Record<string, Tensor>>, fetch: readonly string[]): Promise<Readonly<Record<string, OrtValue>>>
  release(): Promise<void>
}

/** A result: of WebGPU too, it is brought to the CPU by `run`. */
export interface OrtValue {
  readonly data: unknown
}

/** What a session is opened with. */
export interface OrtOptions {
  readonly executionProviders: readonly string[]
  readonly graphOptimizationLevel: 'all'
  readonly logSeverityLevel: 3
}

/** What computes in a page. */
export type WebProvider = 'webgpu' | 'wasm'

/** Runs graphs whose weights are embedded. Failures of the engine are DarErrors of the kind `engine`, or `memory`. */
export function ortRunner<Tensor>(
  ort: OrtEngine<Tensor>,
  { provider }: { readonly provider: WebProvider | 'cpu' },
): Runner {
  const options: OrtOptions = { executionProviders: [provider], graphOptimizationLevel: 'all', logSeverityLevel: 3 }
  return {
    load: (compiled) =>
      naming(compiled.name, async () =>
        runnable(ort, compiled, await ort.InferenceSession.create(compiled.model, options)),
      ),
  }
}

function runnable<Tensor>(
  ort: OrtEngine<Tensor>,
  { name, inputs: ports, outputs }: Compiled,
  session: OrtSession<Tensor>,
): RunnableGraph {
  return {
    outputs,
    run: (feeds, fetch) =>
      naming(name, async () => {
        const inputs = Object.fromEntries(
          ports.map(({ name: port, shape }) => {
            if (feeds[port]?.length !== sizeOf(shape))
              throw new Error(`${port} takes [${shape.join(',')}], got ${feeds[port]?.length} values`)
            return [port, new ort.Tensor('float32', feeds[port], shape)]
          }),
        )
        const begin = performance.now()
        const results = await session.run(inputs, fetch)
        const milliseconds = performance.now() - begin
        return {
          outputs: Object.fromEntries(fetch.map((output) => [output, results[output].data as Float32Array])),
          milliseconds,
        }
      }),
    dispose: () => session.release(),
  }
}

/** Adds the graph's name to errors. */
async function naming<T>(graph: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof DarError) throw error
    const reason = messageOf(error)
    const short = /alloc|memory/i.test(reason)
    throw new DarError(`the engine failed at ${graph}: ${reason}`, { kind: short ? 'memory' : 'engine' })
  }
}
