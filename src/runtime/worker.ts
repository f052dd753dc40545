/**
 * The engine's thread. ONNX Runtime's `create` and `run` block the thread that calls them, so they are called here.
 *
 * The thread also keeps resident buffers (all parameters in one array, all gradients in another). A training step
 * therefore moves only its batch and its loss between threads. On WebGPU the buffers lie in the device's memory (device-memory.ts); with
 * every other device they lie in this thread's, and a run copies what it needs.
 */
import './wait-for-telemetry.ts'
import type ort from 'onnxruntime-node'
import type { PortInfo } from '../graph/index.ts'
import { assert } from '../support/errors.ts'
import { type DeviceBindings, DeviceMemory } from './device-memory.ts'
import { runInPlace, withoutCopies } from './no-copies.ts'
import { placementOf } from './placement.ts'
import type { Answer, BufferSlice, LoadRequest, PortData, Request, RunResult, SessionOptions } from './protocol.ts'
import { emptyTensor, openSession, tensorOf } from './session.ts'
import { answerRequests, native } from './thread.ts'

/** An engine has one device, so all its buffers lie on one side. */
let device: DeviceMemory | null = null

interface Loaded {
  readonly name: string
  readonly session: ort.InferenceSession
  readonly inputs: ReadonlyMap<string, PortInfo>
  readonly boundInputs: Record<string, ort.Tensor>
  readonly boundOutputs: Record<string, ort.Tensor>
  /** Where a run writes into tensors that it is given (no-copies.ts): the ports of all outputs. Else null. */
  readonly inPlace: ReadonlyMap<string, PortInfo> | null
  readonly onDevice: DeviceBindings | null
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

/** The device's memory, with the values written before the first program told what the device is. */
function deviceMemory(options: SessionOptions): DeviceMemory {
  if (device) return device
  const made = new DeviceMemory(
    ({ model, outputs }, onDevice) =>
      openSession({ bytes: model }, options, { onDevice: locations(outputs, onDevice) }),
    (session, feeds) => native(() => session.run(feeds)),
  )
  for (const [name, data] of buffers) made.write(name, data)
  buffers.clear()
  device = made
  return made
}

const locations = (outputs: readonly PortInfo[], onDevice: readonly string[]) =>
  Object.fromEntries(
    outputs.map(({ name }) => [name, onDevice.includes(name) ? ('gpu-buffer' as const) : ('cpu' as const)]),
  )

/** The program like which a new one is; null: it is like no other. */
function likeOf({ like }: LoadRequest): Loaded | null {
  if (like === null) return null
  const known = programs.get(like)
  assert(known, `program ${like} is not loaded`)
  return known
}

async function loadOnDevice(request: LoadRequest): Promise<null> {
  const memory = deviceMemory(request.options)
  const { program, name, inputs, outputs, boundInputs, boundOutputs } = request
  const onDevice = await memory.bind({ inputs, outputs }, boundInputs, boundOutputs)
  const places = { onDevice: locations(outputs, Object.keys(boundOutputs)) }
  const session = likeOf(request)?.session ?? (await openSession(request.model, request.options, places))
  const ports = new Map(inputs.map((port) => [port.name, port]))
  programs.set(program, { name, session, inputs: ports, boundInputs: {}, boundOutputs: {}, inPlace: null, onDevice })
  return null
}

async function load(request: LoadRequest): Promise<null> {
  if (request.options.provider === 'webgpu') return loadOnDevice(request)
  const { program, name, model, options, inputs, outputs, boundInputs, boundOutputs } = request
  const like = likeOf(request)
  const isInPlace = like ? like.inPlace !== null : 'bytes' in model && Object.keys(boundOutputs).length > 0
  const own = isInPlace && 'bytes' in model ? { bytes: withoutCopies(model.bytes) } : model
  programs.set(program, {
    name,
    session: like?.session ?? (await openSession(own, options)),
    inputs: new Map(inputs.map((port) => [port.name, port])),
    boundInputs: bind(inputs, boundInputs),
    boundOutputs: bind(outputs, boundOutputs),
    inPlace: isInPlace ? new Map(outputs.map((port) => [port.name, port])) : null,
    onDevice: null,
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
  if (device && program.onDevice) return runOnDevice(device, program.onDevice, program, inputs, fetch)
  const begin = performance.now()
  const results = await native(() => runOnCpu(program, inputs, fetch))
  const milliseconds = performance.now() - begin
  const outputs = Object.fromEntries(fetch.map((name) => [name, results[name].data as PortData]))
  return { outputs, milliseconds }
}

/** The outputs that are fetched; those that are bound are written where they belong. */
async function runOnCpu(
  { session, boundOutputs, inPlace }: Loaded,
  inputs: Readonly<Record<string, ort.Tensor>>,
  fetch: readonly string[],
): Promise<Readonly<Record<string, ort.Tensor>>> {
  if (!inPlace)
    return session.run(inputs, { ...boundOutputs, ...Object.fromEntries(fetch.map((name) => [name, null])) })
  const own = fetch.map((name) => {
    const port = inPlace.get(name)
    assert(port, `there is no output ${name}`)
    return [name, emptyTensor(port)] as const
  })
  return runInPlace(session, inputs, { ...boundOutputs, ...Object.fromEntries(own) })
}

async function runOnDevice(
  memory: DeviceMemory,
  onDevice: DeviceBindings,
  { session }: Loaded,
  inputs: Readonly<Record<string, ort.Tensor>>,
  fetch: readonly string[],
): Promise<RunResult> {
  const bound = onDevice.outputs.flatMap(({ parts }) => parts.map(({ port }) => port.name))
  const feeds = { ...(await memory.feeds(onDevice)), ...inputs }
  const begin = performance.now()
  const results = await native(() => session.run(feeds, [...bound, ...fetch]))
  await memory.store(onDevice, results)
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
    case 'runAll':
      for (const program of request.programs) await run(program, request.feeds, [])
      return null
    case 'placement':
      return placementOf(request.model, request.inputs, request.options)
    case 'release': {
      const program = programs.get(request.program)
      programs.delete(request.program)
      const isShared = [...programs.values()].some(({ session }) => session === program?.session)
      if (program && !isShared) await native(() => program.session.release())
      if (program?.onDevice) await device?.release(program.onDevice)
      return null
    }
    case 'write': {
      if (device) {
        device.write(request.buffer, request.data)
        return null
      }
      const known = buffers.get(request.buffer)
      if (known && known.length === request.data.length) known.set(request.data)
      else buffers.set(request.buffer, request.data)
      return null
    }
    case 'writePart':
      slice(request.slice).set(request.data)
      return null
    case 'read':
      return device ? device.read(request.slice) : slice(request.slice).slice()
    case 'free':
      device?.free(request.buffer)
      buffers.delete(request.buffer)
      return null
  }
}

/** The array buffers of an answer, for the transfer list. */
function transfers(value: Answer): ArrayBuffer[] {
  if (value instanceof Float32Array) return [value.buffer as ArrayBuffer]
  const arrays = value !== null && 'milliseconds' in value ? Object.values((value as RunResult).outputs) : []
  return [...new Set(arrays.map((array) => array.buffer as ArrayBuffer))]
}

answerRequests(answer, transfers)
