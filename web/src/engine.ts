/**
 * The engine of this browser: WebGPU where there is a GPU for it, else WebAssembly on as many threads as the page may use. The files of
 * either are the page's own, and only those of the chosen one are loaded.
 */
import gpuGlue from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url'
import gpuWasm from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url'
import glue from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url'
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url'
import { compile, Graph } from '../../src/graph/index.ts'
import * as ops from '../../src/graph/ops/index.ts'
import type { Runner } from '../../src/predict/index.ts'
import { messageOf } from '../../src/support/errors.ts'
import { type OrtEngine, ortRunner } from '../../src/web/index.ts'

/** `auto`: WebGPU where there is one. */
export type EngineWish = 'auto' | 'webgpu' | 'wasm'

/** What computes, for the page to say. */
export interface EngineReport {
  readonly provider: 'webgpu' | 'wasm'
  /** Of wasm. */
  readonly threads: number
  /** Why it is not what was wished, or slower than it could be; null otherwise. */
  readonly note: string | null
  /** Its files, to keep for use without a network. */
  readonly files: readonly string[]
}

/** More threads than this gain nothing for a model of this size. */
const MOST_THREADS = 8

export async function startEngine(
  wish: EngineWish,
): Promise<{ readonly runner: Runner; readonly report: EngineReport }> {
  if (wish === 'wasm' || (wish === 'auto' && !(await hasGpu()))) return startWasm(null)
  try {
    return await startGpu()
  } catch (error) {
    return startWasm(`WebGPU does not work here (${messageOf(error).split('\n')[0]})`)
  }
}

/** A GPU that is one: the one that a browser imitates on the CPU is slower than wasm. */
async function hasGpu(): Promise<boolean> {
  const { gpu } = navigator as {
    gpu?: { requestAdapter(): Promise<{ info?: { isFallbackAdapter?: boolean } } | null> }
  }
  const adapter = await gpu?.requestAdapter().catch(() => null)
  return adapter !== null && adapter !== undefined && adapter.info?.isFallbackAdapter !== true
}

async function startGpu() {
  const ort = await import('onnxruntime-web/webgpu')
  ort.env.wasm.numThreads = 1
  ort.env.wasm.wasmPaths = { mjs: absolute(gpuGlue), wasm: absolute(gpuWasm) }
  const runner = ortRunner(ort as unknown as OrtEngine, { provider: 'webgpu' })
  await warmUp(runner)
  const files = [gpuGlue, gpuWasm].map(absolute)
  return { runner, report: { provider: 'webgpu', threads: 1, note: null, files } as const }
}

async function startWasm(reason: string | null) {
  const ort = await import('onnxruntime-web/wasm')
  const threads = self.crossOriginIsolated ? Math.max(1, Math.min(MOST_THREADS, navigator.hardwareConcurrency)) : 1
  ort.env.wasm.numThreads = threads
  ort.env.wasm.wasmPaths = { mjs: absolute(glue), wasm: absolute(wasm) }
  const runner = ortRunner(ort as unknown as OrtEngine, { provider: 'wasm' })
  await warmUp(runner)
  const alone = self.crossOriginIsolated
    ? null
    : 'one thread: this server does not isolate the page (after a reload it may be isolated)'
  const files = [glue, wasm].map(absolute)
  const notes = [reason, alone].filter((note) => note !== null)
  return { runner, report: { provider: 'wasm', threads, note: notes.join('; ') || null, files } as const }
}

const absolute = (url: string) => new URL(url, self.location.href).href

/** Loads and tries the engine while the model's file is still on its way. */
async function warmUp(runner: Runner): Promise<void> {
  const graph = new Graph()
  const x = graph.input('x', [4])
  const tiny = await runner.load(compile({ y: ops.mul(x, 2) }, { name: 'warm-up' }))
  const { outputs } = await tiny.run({ x: Float32Array.of(1, 2, 3, 4) }, ['y'])
  await tiny.dispose()
  if (outputs.y[3] !== 8) throw new Error(`it computes 2 × 4 = ${outputs.y[3]}`)
}
