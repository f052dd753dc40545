/**
 * Resident buffers in a device's memory (WebGPU). ONNX Runtime's Node binding gives outputs that stay on the device and takes them as
 * inputs again, and that is all it gives: such a tensor cannot be cut, written in part, or read. So
 *
 *     a slice of a buffer     one graph cuts the buffer into all slices of a program; made again when the buffer has changed
 *     outputs into slices     one graph joins them, with what no output covers taken from the buffer as it was
 *     reading a buffer        a graph that copies it to the CPU
 *
 * A buffer that is a program's port as a whole goes in and out as it is. Nothing crosses to the CPU in a training step but its batch, its
 * loss and the norm of its gradient.
 */
import type ort from 'onnxruntime-node'
import {
  type Compiled,
  compile,
  concat,
  Graph,
  mul,
  type PortInfo,
  reshape,
  slice,
  type Tensor,
} from '../graph/index.ts'
import { assert } from '../support/errors.ts'
import type { BufferSlice } from './protocol.ts'
import { tensorOf } from './session.ts'

/** Opens a graph whose outputs named in `onDevice` stay there. */
export type OpenOnDevice = (compiled: Compiled, onDevice: readonly string[]) => Promise<ort.InferenceSession>
/** Runs a session; for calls that block. */
export type Run = (
  session: ort.InferenceSession,
  feeds: Record<string, ort.Tensor>,
) => Promise<ort.InferenceSession.ReturnType>

interface Buffer {
  readonly length: number
  tensor: ort.Tensor
  /** Of its values: a new number at every change. */
  version: number
}

/** A port that is a part of a buffer. */
interface Part {
  readonly port: PortInfo
  readonly offset: number
  readonly length: number
}

/** What a program reads from, or writes to, one buffer. */
interface Binding {
  readonly buffer: string
  readonly parts: readonly Part[]
  /** The buffer's port, where it is bound as a whole. */
  readonly whole: string | null
  readonly session: ort.InferenceSession | null
  /** Slices of the buffer at `version`. */
  cut: { readonly version: number; readonly tensors: Record<string, ort.Tensor> } | null
}

/** The bound ports of one program. */
export interface DeviceBindings {
  readonly inputs: readonly Binding[]
  readonly outputs: readonly Binding[]
}

export class DeviceMemory {
  private readonly buffers = new Map<string, Buffer>()
  private readonly readers = new Map<number, ort.InferenceSession>()
  private versions = 0

  constructor(
    private readonly open: OpenOnDevice,
    private readonly run: Run,
  ) {}

  /** Makes a buffer, or replaces its values. The device gets them with the first program that reads them. */
  write(name: string, data: Float32Array): void {
    const port = { name, shape: [data.length], dtype: 'float32' as const }
    this.replace(name, tensorOf(port, data))
  }

  /** A copy of the values of a slice. */
  async read({ buffer, offset, length }: BufferSlice): Promise<Float32Array> {
    const { tensor, length: all } = this.get(buffer)
    assert(offset >= 0 && offset + length <= all, `[${offset}, ${offset + length}) is outside buffer ${buffer}`)
    if (tensor.location === 'cpu') return (tensor.data as Float32Array).slice(offset, offset + length)
    const { y } = await this.run(await this.reader(all), { x: tensor })
    return (y.data as Float32Array).slice(offset, offset + length)
  }

  free(name: string): void {
    this.buffers.get(name)?.tensor.dispose()
    this.buffers.delete(name)
  }

  /** Prepares the ports of a program that are bound to buffers. */
  async bind(
    program: { readonly inputs: readonly PortInfo[]; readonly outputs: readonly PortInfo[] },
    boundInputs: Readonly<Record<string, BufferSlice>>,
    boundOutputs: Readonly<Record<string, BufferSlice>>,
  ): Promise<DeviceBindings> {
    const inputs: Binding[] = []
    for (const [buffer, parts] of partsOf(program.inputs, boundInputs))
      inputs.push(await this.inputBinding(buffer, parts))
    const outputs: Binding[] = []
    for (const [buffer, parts] of partsOf(program.outputs, boundOutputs))
      outputs.push(await this.outputBinding(buffer, parts))
    return { inputs, outputs }
  }

  /** What a run is fed for its bound inputs. */
  async feeds({ inputs }: DeviceBindings): Promise<Record<string, ort.Tensor>> {
    const feeds: Record<string, ort.Tensor> = {}
    for (const binding of inputs) {
      const { tensor, version } = this.get(binding.buffer)
      if (binding.whole !== null) feeds[binding.whole] = tensor
      else {
        assert(binding.session, `slices of ${binding.buffer} have a graph that cuts them`)
        if (binding.cut?.version !== version) {
          disposeAll(binding.cut?.tensors)
          binding.cut = { version, tensors: await this.run(binding.session, { x: tensor }) }
        }
        for (const { port } of binding.parts) feeds[port.name] = binding.cut.tensors[port.name]
      }
    }
    return feeds
  }

  /** Puts the bound outputs of a run into their buffers. */
  async store({ outputs }: DeviceBindings, results: ort.InferenceSession.ReturnType): Promise<void> {
    for (const { buffer, parts, whole, session } of outputs) {
      if (whole !== null) {
        this.replace(buffer, results[whole])
        continue
      }
      assert(session, `slices of ${buffer} have a graph that joins them`)
      const made = Object.fromEntries(parts.map(({ port }) => [port.name, results[port.name]]))
      const { y } = await this.run(
        session,
        covers(parts, this.get(buffer).length) ? made : { ...made, before: this.get(buffer).tensor },
      )
      disposeAll(made)
      this.replace(buffer, y)
    }
  }

  /** Frees what a program's bindings hold. */
  async release({ inputs, outputs }: DeviceBindings): Promise<void> {
    for (const binding of inputs) {
      disposeAll(binding.cut?.tensors)
      binding.cut = null
    }
    for (const { session } of [...inputs, ...outputs]) await session?.release()
  }

  private get(name: string): Buffer {
    const buffer = this.buffers.get(name)
    assert(buffer, `no resident buffer ${name}`)
    return buffer
  }

  private replace(name: string, tensor: ort.Tensor): void {
    const known = this.buffers.get(name)
    const version = ++this.versions
    if (!known) {
      this.buffers.set(name, { length: tensor.size, tensor, version })
      return
    }
    known.tensor.dispose()
    known.tensor = tensor
    known.version = version
  }

  private async reader(length: number): Promise<ort.InferenceSession> {
    const known = this.readers.get(length)
    if (known) return known
    const graph = new Graph()
    // A multiplication, because the engine removes an Identity and would give the tensor back as it is.
    const session = await this.open(compile({ y: mul(graph.input('x', [length]), 1) }, { name: 'read a buffer' }), [])
    this.readers.set(length, session)
    return session
  }

  private async inputBinding(buffer: string, parts: readonly Part[]): Promise<Binding> {
    const { length } = this.get(buffer)
    const whole = wholeOf(parts, length)
    if (whole !== null) return { buffer, parts, whole, session: null, cut: null }
    const graph = new Graph()
    const x = graph.input('x', [length])
    const outputs = Object.fromEntries(
      parts.map(({ port, offset, length }) => [port.name, reshape(slice(x, 0, offset, offset + length), port.shape)]),
    )
    const session = await this.open(compile(outputs, { name: `slices of ${buffer}` }), Object.keys(outputs))
    return { buffer, parts, whole, session, cut: null }
  }

  private async outputBinding(buffer: string, parts: readonly Part[]): Promise<Binding> {
    const { length } = this.get(buffer)
    const whole = wholeOf(parts, length)
    if (whole !== null) return { buffer, parts, whole, session: null, cut: null }
    const graph = new Graph()
    const pieces: Tensor[] = []
    const before = covers(parts, length) ? null : graph.input('before', [length])
    let place = 0
    const keep = (end: number) => {
      if (end > place && before) pieces.push(slice(before, 0, place, end))
      place = end
    }
    for (const { port, offset, length } of parts.toSorted((a, b) => a.offset - b.offset)) {
      keep(offset)
      pieces.push(reshape(graph.input(port.name, port.shape), [length]))
      place += length
    }
    keep(length)
    const session = await this.open(compile({ y: concat(pieces, 0) }, { name: `outputs into ${buffer}` }), ['y'])
    return { buffer, parts, whole, session, cut: null }
  }
}

/** The bound ports of a program, by buffer. */
function partsOf(ports: readonly PortInfo[], slices: Readonly<Record<string, BufferSlice>>): Map<string, Part[]> {
  const byName = new Map(ports.map((port) => [port.name, port]))
  const parts = new Map<string, Part[]>()
  for (const [name, { buffer, offset, length }] of Object.entries(slices)) {
    const port = byName.get(name)
    assert(port, `cannot bind ${name}: there is no such port`)
    parts.set(buffer, [...(parts.get(buffer) ?? []), { port, offset, length }])
  }
  return parts
}

function wholeOf(parts: readonly Part[], length: number): string | null {
  const [only] = parts
  return parts.length === 1 && only.length === length && only.port.shape.length === 1 ? only.port.name : null
}

/** Whether the parts, which don't overlap, are all of the buffer. */
function covers(parts: readonly Part[], length: number): boolean {
  return parts.reduce((sum, part) => sum + part.length, 0) === length
}

function disposeAll(tensors: Record<string, ort.Tensor> | undefined): void {
  for (const tensor of Object.values(tensors ?? {})) tensor.dispose()
}
