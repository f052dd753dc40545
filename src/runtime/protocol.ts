/** What an engine and its worker thread say to each other. Large arrays move by transfer, never by copy. */
import type { PortInfo } from '../graph/index.ts'

/** What ONNX Runtime computes on. */
export type Provider = 'cpu' | 'webgpu'
/**
 * What a thread of the engine does while it waits for the others of an op: `spin` is answered sooner where the cores are the
 * engine's own, `sleep` leaves them to whatever else works.
 */
export type Idle = 'spin' | 'sleep'
/** What an input or output holds, row-major: int64 as BigInt64Array, bool as Uint8Array. */
export type PortData = Float32Array | Float64Array | BigInt64Array | Uint8Array

export interface SessionOptions {
  /** Threads inside one op. */
  readonly threads: number
  readonly idle: Idle
  readonly provider: Provider
  /** Weights stay where they are (memory-mapped) instead of being repacked into the engine's own layout. */
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
}

export type Request =
  | LoadRequest
  | {
      readonly kind: 'run'
      readonly program: number
      readonly feeds: Readonly<Record<string, PortData>>
      readonly fetch: readonly string[]
    }
  | { readonly kind: 'release'; readonly program: number }
  | { readonly kind: 'write'; readonly buffer: string; readonly data: Float32Array }
  | { readonly kind: 'read'; readonly slice: BufferSlice }
  | { readonly kind: 'free'; readonly buffer: string }

export interface RunResult {
  readonly outputs: Readonly<Record<string, PortData>>
  /** Milliseconds inside the engine's run call. */
  readonly milliseconds: number
}

export type Answer = RunResult | Float32Array | null
