/** Sessions of ONNX Runtime, opened the way this project does. For worker threads: `create` and `run` block their thread. */
import ort from 'onnxruntime-node'
import type { PortInfo } from '../graph/index.ts'
import { arrayType, sizeOf } from '../graph/tensor.ts'
import type { PortData, SessionOptions } from './protocol.ts'
import { checkProvider } from './provider.ts'
import { native } from './thread.ts'

/** A model as bytes, or as a file with its external data beside it. */
export type SessionModel = { readonly bytes: Uint8Array } | { readonly path: string }

interface OpenOptions {
  /** Where outputs are left, by name; default: on the CPU. Only WebGPU leaves outputs where they were made. */
  readonly onDevice?: Readonly<Record<string, 'gpu-buffer' | 'cpu'>>
  /** Start of the name of a file that a profile is written to. */
  readonly profile?: string
  /**
   * Also writes the model as the engine has optimised it for this machine, with its weights in a file of its own beside it, packed as the
   * kernels want them. Sessions of `optimised` models map that file: however many there are, the weights are in memory once.
   */
  readonly save?: { readonly path: string; readonly weights: string }
  /** The model is one that was saved so: take it as it is. */
  readonly optimised?: boolean
}

export async function openSession(
  model: SessionModel,
  { threads, idle, provider, memoryPattern = true, mapWeights }: SessionOptions,
  { onDevice = {}, profile, save, optimised = false }: OpenOptions = {},
): Promise<ort.InferenceSession> {
  await checkProvider(provider)
  const options: ort.InferenceSession.SessionOptions = {
    executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
    intraOpNumThreads: threads,
    graphOptimizationLevel: optimised ? 'disabled' : 'all',
    enableMemPattern: memoryPattern,
    logSeverityLevel: 3,
    ...(profile !== undefined && { enableProfiling: true, profileFilePrefix: profile }),
    ...(Object.keys(onDevice).length > 0 && { preferredOutputLocation: onDevice }),
    ...(save && { optimizedModelFilePath: save.path }),
    extra: {
      session: {
        set_denormal_as_zero: '1',
        // Else threads spin on for up to 50 ms after a run, on the cores that the next run needs: a session has threads of its own.
        ...(idle === 'spin' && { force_spinning_stop: '1' }),
        intra_op: { allow_spinning: idle === 'spin' ? '1' : '0' },
        ...(mapWeights ? { disable_prepacking: '1' } : {}),
        ...(save && {
          optimized_model_external_initializers_file_name: save.weights,
          optimized_model_external_initializers_min_size_in_bytes: '1024',
          save_external_prepacked_constant_initializers: '1',
        }),
      },
    },
  }
  return native(() =>
    'path' in model
      ? ort.InferenceSession.create(model.path, options)
      : ort.InferenceSession.create(model.bytes, options),
  )
}

export function tensorOf(port: PortInfo, data: PortData): ort.Tensor {
  if (data.length !== sizeOf(port.shape))
    throw new Error(`${port.name} takes ${port.dtype}[${port.shape.join(',')}], got ${data.length} values`)
  return new ort.Tensor(port.dtype, data, port.shape)
}

/** Zeros of a port's type and shape, for an output to be written into. */
export function emptyTensor({ dtype, shape }: PortInfo): ort.Tensor {
  return new ort.Tensor(dtype, new (arrayType(dtype))(sizeOf(shape)), shape)
}
