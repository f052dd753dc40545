/**
 * The engine of this browser: WebGPU where there is a GPU for it, else WebAssembly on as many threads as the page may use. Both builds of
 * onnxruntime-web are handed in as functions that load them, and only the chosen one is loaded.
 */
import { compile, Graph } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import type { Runner } from '../predict/index.ts'
import { DarError, messageOf } from '../support/errors.ts'
import { browser } from './browser.ts'
import { type OrtEngine, ortRunner, type WebProvider } from './ort-runner.ts'

/** `auto`: WebGPU where there is one. */
export type EngineWish = 'auto' | WebProvider

/** What computes, for a page to say. */
export interface EngineReport {
  readonly provider: WebProvider
  /** Of wasm. */
  readonly threads: number
  /** Why it is not what was wished, or slower than it could be; null otherwise. */
  readonly note: string | null
}

/** A build of onnxruntime-web: what `import('onnxruntime-web/wasm')` and `import('onnxruntime-web/webgpu')` resolve to. */
export interface OrtModule {
  readonly env: { readonly wasm: { numThreads?: number } }
  readonly Tensor: object
  readonly InferenceSession: object
}

/** The builds that a page brings. Each function loads its build, and may say where its files are (`env.wasm.wasmPaths`). */
export interface WebEngines {
  /** Loads the build for WebAssembly. */
  wasm(): Promise<OrtModule>
  /** Loads the build for WebGPU. Absent: the page computes by WebAssembly only. */
  webgpu?(): Promise<OrtModule>
}

/** More threads than this gain nothing for a model of this size. */
const MOST_THREADS = 8

/** Throws a DarError when WebAssembly does not work either. */
export async function startEngine(
  engines: WebEngines,
  wish: EngineWish,
): Promise<{ readonly runner: Runner; readonly report: EngineReport }> {
  const { webgpu } = engines
  if (wish === 'webgpu' && !webgpu) return startWasm(engines, 'this page brings no WebGPU engine')
  if (!webgpu || wish === 'wasm' || (wish === 'auto' && !(await hasGpu()))) return startWasm(engines, null)
  try {
    return await startGpu(webgpu)
  } catch (error) {
    return startWasm(engines, `WebGPU does not work here (${messageOf(error).split('\n')[0]})`)
  }
}

/** A GPU that is one: the one that a browser imitates on the CPU is slower than wasm. */
async function hasGpu(): Promise<boolean> {
  const adapter = await browser.navigator.gpu?.requestAdapter().catch(() => null)
  return adapter !== null && adapter !== undefined && adapter.info?.isFallbackAdapter !== true
}

async function startGpu(load: () => Promise<OrtModule>) {
  const ort = await load()
  ort.env.wasm.numThreads = 1
  const runner = ortRunner(ort as unknown as OrtEngine, { provider: 'webgpu' })
  await warmUp(runner)
  return { runner, report: { provider: 'webgpu', threads: 1, note: null } as const }
}

async function startWasm({ wasm }: WebEngines, reason: string | null) {
  const { crossOriginIsolated, navigator } = browser
  const threads = crossOriginIsolated ? Math.max(1, Math.min(MOST_THREADS, navigator.hardwareConcurrency)) : 1
  try {
    const ort = await wasm()
    ort.env.wasm.numThreads = threads
    const runner = ortRunner(ort as unknown as OrtEngine, { provider: 'wasm' })
    await warmUp(runner)
    const alone = crossOriginIsolated
      ? null
      : 'one thread: this server does not isolate the page (after a reload it may be isolated)'
    const notes = [reason, alone].filter((note) => note !== null)
    return { runner, report: { provider: 'wasm', threads, note: notes.join('; ') || null } as const }
  } catch (error) {
    throw new DarError(`the engine does not start (${messageOf(error).split('\n')[0]}); reload the page`, {
      kind: 'engine',
    })
  }
}

/** Loads and tries the engine while the model's file is still on its way. */
async function warmUp(runner: Runner): Promise<void> {
  const graph = new Graph()
  const x = graph.input('x', [4])
  const tiny = await runner.load(compile({ y: ops.mul(x, 2) }, { name: 'warm-up' }))
  const { outputs } = await tiny.run({ x: Float32Array.of(1, 2, 3, 4) }, ['y'])
  await tiny.dispose()
  if (outputs.y[3] !== 8) throw new Error(`it computes 2 × 4 = ${outputs.y[3]}`)
}
