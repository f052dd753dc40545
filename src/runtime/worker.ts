/**
 * The engine's thread: ONNX Runtime's `create` and `run` block whoever calls them, so they are called here.
 *
 * Besides sessions it keeps resident buffers (all parameters in one array, all gradients in another), so that a training
 * step moves only its batch and its loss between threads.
 */
import { parentPort, workerData } from 'node:worker_threads'
import ort from 'onnxruntime-node'
import { type PortInfo, sizeOf } from '../graph/index.ts'
import { assert, messageOf } from '../support/errors.ts'
import {
  type BufferSlice,
  type Envelope,
  FLAGS,
  type LoadRequest,
  type PortData,
  type Reply,
  type Request,
  type RunResult,
  type WorkerData,
} from './protocol.ts'

interface Loaded {
  readonly name: string
  readonly session: ort.InferenceSession
  readonly inputs: ReadonlyMap<string, PortInfo>
  readonly boundInputs: Record<string, ort.Tensor>
  readonly boundOutputs: Record<string, ort.Tensor>
}

const programs = new Map<number, Loaded>()
const buffers = new Map<string, Float32Array>()

const { flags } = workerData as WorkerData

/** Every call of ONNX Runtime goes through here: a thread that is ended inside one brings the whole process down. */
async function native<T>(call: () => Promise<T>): Promise<T> {
  Atomics.store(flags, FLAGS.busy, 1)
  try {
    if (Atomics.load(flags, FLAGS.closing) === 1) throw new Error('the engine was disposed')
    return await call()
  } finally {
    Atomics.store(flags, FLAGS.busy, 0)
    Atomics.notify(flags, FLAGS.busy)
  }
}

function slice({ buffer, offset, length }: BufferSlice): Float32Array {
  const whole = buffers.get(buffer)
  assert(whole, `no resident buffer ${buffer}`)
  assert(offset >= 0 && offset + length <= whole.length, `[${offset}, ${offset + length}) is outside buffer ${buffer}`)
  return whole.subarray(offset, offset + length)
}

function tensor(port: PortInfo, data: PortData): ort.Tensor {
  if (data.length !== sizeOf(port.shape))
    throw new Error(`${port.name} takes ${port.dtype}[${port.shape.join(',')}], got ${data.length} values`)
  return new ort.Tensor(port.dtype, data, port.shape)
}

function bind(ports: readonly PortInfo[], slices: Readonly<Record<string, BufferSlice>>): Record<string, ort.Tensor> {
  const byName = new Map(ports.map((port) => [port.name, port]))
  const entries = Object.entries(slices).map(([name, place]) => {
    const port = byName.get(name)
    assert(port, `cannot bind ${name}: there is no such port`)
    return [name, tensor(port, slice(place))] as const
  })
  return Object.fromEntries(entries)
}

async function load(request: LoadRequest): Promise<null> {
  const { model, threads, idle, provider, mapWeights } = request
  const options: ort.InferenceSession.SessionOptions = {
    executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
    intraOpNumThreads: threads,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    extra: {
      session: {
        set_denormal_as_zero: '1',
        intra_op: { allow_spinning: idle === 'spin' ? '1' : '0' },
        ...(mapWeights ? { disable_prepacking: '1' } : {}),
      },
    },
  }
  const session = await native(() =>
    'path' in model
      ? ort.InferenceSession.create(model.path, options)
      : ort.InferenceSession.create(model.bytes, options),
  )
  programs.set(request.program, {
    name: request.name,
    session,
    inputs: new Map(request.inputs.map((port) => [port.name, port])),
    boundInputs: bind(request.inputs, request.boundInputs),
    boundOutputs: bind(request.outputs, request.boundOutputs),
  })
  return null
}

async function run(
  id: number,
  feeds: Readonly<Record<string, PortData>>,
  fetch: readonly string[],
): Promise<RunResult> {
  const program = programs.get(id)
  assert(program, `program ${id} is not loaded`)
  const inputs: Record<string, ort.Tensor> = { ...program.boundInputs }
  for (const [name, data] of Object.entries(feeds)) {
    const port = program.inputs.get(name)
    if (!port) throw new Error(`there is no input ${name}; it has ${[...program.inputs.keys()].slice(0, 8).join(', ')}`)
    inputs[name] = tensor(port, data)
  }
  const wanted: Record<string, ort.Tensor | null> = { ...program.boundOutputs }
  for (const name of fetch) wanted[name] = null
  const begin = performance.now()
  const results = await native(() => program.session.run(inputs, wanted))
  const milliseconds = performance.now() - begin
  const outputs = Object.fromEntries(fetch.map((name) => [name, results[name].data as PortData]))
  return { outputs, milliseconds }
}

async function answer(request: Request): Promise<RunResult | Float32Array | null> {
  switch (request.kind) {
    case 'load':
      return load(request)
    case 'run':
      return run(request.program, request.feeds, request.fetch)
    case 'release': {
      const program = programs.get(request.program)
      programs.delete(request.program)
      if (program) await native(() => program.session.release())
      return null
    }
    case 'write': {
      const known = buffers.get(request.buffer)
      if (known && known.length === request.data.length) known.set(request.data)
      else buffers.set(request.buffer, request.data)
      return null
    }
    case 'read':
      return slice(request.slice).slice()
    case 'free':
      buffers.delete(request.buffer)
      return null
    case 'close':
      return null
  }
}

/** The array buffers of an answer, for the transfer list. */
function transfers(value: RunResult | Float32Array | null): ArrayBuffer[] {
  const arrays = value === null ? [] : value instanceof Float32Array ? [value] : Object.values(value.outputs)
  return [...new Set(arrays.map((array) => array.buffer as ArrayBuffer))]
}

assert(parentPort, 'worker.ts runs only as a worker thread')
const port = parentPort
// Requests are answered one after another, in the order in which they came.
let queue: Promise<void> = Promise.resolve()
port.on('message', ({ id, request }: Envelope) => {
  queue = queue.then(async () => {
    try {
      const value = await answer(request)
      port.postMessage({ id, ok: true, value } satisfies Reply, transfers(value))
    } catch (error) {
      port.postMessage({ id, ok: false, message: messageOf(error) } satisfies Reply)
    }
  })
})
