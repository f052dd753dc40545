/**
 * Whether a provider of ONNX Runtime works on this machine. `onnxruntime-node` lists WebGPU as bundled on every
 * machine, with a graphics driver or without. The only test that tells is to open a session.
 */
import { existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import ort from 'onnxruntime-node'
import { DarError, messageOf } from '../support/errors.ts'
import type { Provider } from './protocol.ts'
import { native } from './thread.ts'

/** For worker threads. @throws DarError of kind `missing` with ONNX Runtime's reason when the provider cannot be used. */
export async function checkProvider(provider: Provider): Promise<void> {
  if (provider === 'cpu') return
  if (provider === 'cuda' && isCudaAbsent())
    throw unusable(provider, `ONNX Runtime's CUDA library is not installed (${CUDA_INSTALL} installs it)`)
  // Loaded when it is needed: a worker of a pool has no other use for the compiler.
  const { compile, exp, Graph } = await import('../graph/index.ts')
  const graph = new Graph()
  const { model } = compile({ y: exp(graph.input('x', [1])) }, { name: 'provider' })
  try {
    const session = await native(() =>
      ort.InferenceSession.create(model, { executionProviders: [provider], logSeverityLevel: 4 }),
    )
    await native(() => session.release())
  } catch (error) {
    const reason = /Failed to [^\n]*/.exec(messageOf(error))?.[0] ?? messageOf(error)
    throw unusable(provider, reason)
  }
}

function unusable(provider: Provider, reason: string): DarError {
  return new DarError(`the device ${provider} cannot be used here: ${reason}; take cpu`, { kind: 'missing' })
}

/** The library is not in the package: its install script downloads it where that may run. */
const CUDA_INSTALL = 'ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node'

/**
 * Whether the library of CUDA is missing beside the engine on Linux. ONNX Runtime would say so in lines of its own on standard error, and
 * not how to install it.
 */
function isCudaAbsent(): boolean {
  const { platform, arch } = process
  if (platform !== 'linux') return false
  const engine = dirname(dirname(createRequire(import.meta.url).resolve('onnxruntime-node')))
  const folder = join(engine, 'bin', 'napi-v6', platform, arch)
  // An empty file stands for it where the package was installed without nuget.org (scripts/preinstall.mjs).
  return (
    existsSync(folder) && !statSync(join(folder, 'libonnxruntime_providers_cuda.so'), { throwIfNoEntry: false })?.size
  )
}
