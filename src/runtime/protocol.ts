/** The messages between an engine and its worker thread. Large arrays are transferred, never copied. */
import type { PortInfo } from '../graph/index.ts'

/** What ONNX Runtime computes on. */
export type Provider = 'cpu' | 'webgpu' | 'cuda'
/**
 * What an engine thread does while it waits for the others in an op. `spin` reacts sooner and keeps its core busy until the run
 * has ended; `sleep` leaves the core to other work.
 */
export type Idle = 'spin' | 'sleep'
/** What an input or output holds, row-major: int64 as BigInt64Array, bool as Uint8Array. */
export type PortData = Float32Array | Float64Array | BigInt64Array | Uint8Array

export interface SessionOptions {
  /** Threads inside one op. */
  readonly threads: number
  readonly idle: Idle
  readonly provider: Provider
  /**
   * After the first run, take the memory of a whole run as one block. The arena then holds that of the first run, in pieces,
   * and the block: twice what a run needs. Default true.
   */
  readonly memoryPattern?: boolean
  /** Leave the weights where they are (memory-mapped) instead of repacking them into the engine's own layout. */
  readonly mapWeights: boolean
}

/** A stretch of a buffer that lives in the worker: `offset` and `length` count elements. */
export interface BufferSlice {
  readonly buffer: string
  readonly offset: number
  readonly length: number
}

export interface LoadRequest {
  readonly kind: 'load'
  readonly program: number
  readonly name: string
  readonly model: { readonly bytes: Uint8Array } | { readonly path: string }
  readonly inputs: readonly PortInfo[]
  readonly outputs: readonly PortInfo[]
  /** Inputs and outputs that are stretches of resident buffers at every run. */
  readonly boundInputs: Readonly<Record<string, BufferSlice>>
  readonly boundOutputs: Readonly<Record<string, BufferSlice>>
  readonly options: SessionOptions
  /** A loaded program of the same graph: its session is used, and its memory. null: open one. */
  readonly like: number | null
}

export type Request =
  | LoadRequest
  | {
      readonly kind: 'run'
      readonly program: number
      readonly feeds: Readonly<Record<string, PortData>>
      readonly fetch: readonly string[]
    }
  | {
      readonly kind: 'runAll'
      readonly programs: readonly number[]
      readonly feeds: Readonly<Record<string, PortData>>
    }
  | {
      readonly kind: 'placement'
      readonly model: LoadRequest['model']
      readonly inputs: readonly PortInfo[]
      readonly options: SessionOptions
    }
  | { readonly kind: 'release'; readonly program: number }
  | { readonly kind: 'write'; readonly buffer: string; readonly data: Float32Array }
  | { readonly kind: 'writePart'; readonly slice: BufferSlice; readonly data: Float32Array }
  | { readonly kind: 'read'; readonly slice: BufferSlice }
  | { readonly kind: 'free'; readonly buffer: string }

export interface RunResult {
  readonly outputs: Readonly<Record<string, PortData>>
  /** Milliseconds inside the engine's run call. */
  readonly milliseconds: number
}

/** How many nodes of each operator run on each provider, such as `{ WebGpu: { Conv: 60 }, CPU: { Gather: 2 } }`. */
export type Placement = Readonly<Record<string, Readonly<Record<string, number>>>>

export type Answer = RunResult | Placement | Float32Array | null
