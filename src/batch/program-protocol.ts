/** What passes between a pool of workers and its threads. Left out: maps of steps and sigma, which batches do not write. */
import type { Job } from '../predict/pipeline.ts'
import type { Size } from '../predict/types.ts'

/** Where the program of a network size lies: a model that the engine has optimised, and its weights beside it. */
export interface ProgramFile {
  readonly network: Size
  readonly path: string
  /** Of its only output, the depth map as the network gives it. */
  readonly output: { readonly name: string; readonly width: number; readonly height: number }
}

export interface MakeProgramsData {
  readonly nameOrPath: string
}

export type MakeProgramsRequest =
  /** Answered with a `ModelDescription`. */
  | { readonly kind: 'describe' }
  /** Answered with the `ProgramFile`, which then lies in the folder. */
  | { readonly kind: 'make'; readonly network: Size; readonly folder: string }

export interface PoolThreadData {
  /** Tests end the thread in the midst of a photo of this width. */
  readonly fatalWidth?: number
}

export type PoolRequest =
  /** Answered with an `Answer`. */
  | { readonly kind: 'predict'; readonly program: ProgramFile; readonly job: Job }
  /** The last; answered with null when the programs are freed. */
  | { readonly kind: 'close' }
