/**
 * Whether a provider of ONNX Runtime works on this machine. `onnxruntime-node` lists WebGPU as bundled on every
 * machine, with a graphics driver or without. The only test that tells is to open a session.
 */
import ort from 'onnxruntime-node'
import { DarError, messageOf } from '../support/errors.ts'
import type { Provider } from './protocol.ts'
import { native } from './thread.ts'

/** For worker threads. @throws DarError of kind `missing` with ONNX Runtime's reason when the provider cannot be used. */
export async function checkProvider(provider: Provider): Promise<void> {
  if (provider === 'cpu') return
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
    throw new DarError(`the device ${provider} cannot be used here: ${reason}; take cpu`, { kind: 'missing' })
  }
}
