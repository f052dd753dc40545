/**
 * The engine's thread. ONNX Runtime's `create` and `run` block the thread that calls them, so they are called here.
 *
 * The thread also keeps resident buffers (all parameters in one array, all gradients in another). A training step
 * therefore moves only its batch and its loss between threads.
 */
import './wait-for-telemetry.ts'
import type ort from 'onnxruntime-node'
import type { PortInfo } from '../graph/index.ts'
import { assert } from '../support/errors.ts'
import type { Answer, BufferSlice, LoadRequest, PortData, Request, RunResult } from './protocol.ts'
import { openSession, tensorOf } from './session.ts'
import { answerRequests, native } from './thread.ts'

interface Loaded {
  readonly name: string
  readonly session: ort.InferenceSession
  readonly inputs: ReadonlyMap<string, PortInfo>
  readonly boundInputs: Record<string, ort.Tensor>
  readonly boundOutputs: Record<string, ort.Tensor>
}

const programs = new Map<number, Loaded>()
const buffers = new Map<string, Float32Array>()

function slice({ buffer, offset, length }: BufferSlice): Float32Array {
  const whole = buffers.get(buffer)
  assert(whole, `no resident buffer ${buffer}`)
  assert(offset >= 0 && offset + length <= whole.length, `[${offset}, ${offset + length}) is outside buffer ${buffer}`)
  return whole.subarray(offset, offset + length)
}

function bind(ports: readonly PortInfo[], slices: Readonly<Record<string, BufferSlice>>): Record<string, ort.Tensor> {
  const byName = new Map(ports.map((port) => [port.name, port]))
  const entries = Object.entries(slices).map(([name, place]) => {
    const port = byName.get(name)
    assert(port, `cannot bind ${name}: there is no such port`)
    return [name, tensorOf(port, slice(place))] as const
  })
  return Object.fromEntries(entries)
}

async function load(request: LoadRequest): Promise<null> {
  const session = await openSession(request.model, request.options)
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
    inputs[name] = tensorOf(port, data)
  }
  const wanted: Record<string, ort.Tensor | null> = { ...program.boundOutputs }
  for (const name of fetch) wanted[name] = null
  const begin = performance.now()
  const results = await native(() => program.session.run(inputs, wanted))
  const milliseconds = performance.now() - begin
  const outputs = Object.fromEntries(fetch.map((name) => [name, results[name].data as PortData]))
  return { outputs, milliseconds }
}

async function answer(request: Request): Promise<Answer> {
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
  }
}

/** The array buffers of an answer, for the transfer list. */
function transfers(value: Answer): ArrayBuffer[] {
  const arrays = value === null ? [] : value instanceof Float32Array ? [value] : Object.values(value.outputs)
  return [...new Set(arrays.map((array) => array.buffer as ArrayBuffer))]
}

answerRequests(answer, transfers)
