/** What a run is told beside its recipe. */
import type { LoadingOptions } from '../data/index.ts'
import type { Precision } from '../graph/index.ts'
import type { Provider } from '../runtime/protocol.ts'
import type { Collective } from './collective.ts'
import type { TrainEvent } from './run-log.ts'
import type { Overlap } from './staged-step.ts'
import type { StartingFiles } from './starting-weights.ts'

/** Where a run reads and writes, and when it stops. */
export interface TrainOptions extends StartingFiles {
  /** Folder that the recipe's data paths are relative to. */
  readonly data: string
  /** Folder for checkpoint.safetensors, model.safetensors and log.jsonl, made if need be. Of several ranks, 0 alone uses it. */
  readonly out: string
  /** What was changed of the recipe before it came here (`applySettings`), for the log. */
  readonly settings?: readonly string[]
  /** Go on from the checkpoint in `out`; `weights` and `encoder` are not read then. */
  readonly resume?: boolean
  /** Resume also where seed, rates or data are not those of the checkpoint: another run then, from its weights. */
  readonly force?: boolean
  /** Stop after this many minutes, with a checkpoint; rank 0's clock counts. */
  readonly minutes?: number
  /** Threads of the engine; default: all cores. */
  readonly threads?: number
  /** What computes the steps; default `cpu`. The state lies in its memory where it is `webgpu`. */
  readonly device?: Provider
  /**
   * `half`: matrix products and convolutions of the step read float16; weights, moments, losses, norms and all else stay float32. For
   * devices with float16; the CPU computes the same and is no faster. Default `single`.
   */
  readonly precision?: Precision
  /** What batches may cost: threads, batches ahead, memory for decoded frames; of every shape of a stage. */
  readonly loading?: LoadingOptions
  /** The other processes that train this model, on the same recipe and data; default: none. They share each batch equally. */
  readonly collective?: Collective
  /**
   * In several processes, for more memory (docs/scaling.md): `backward` sums the decoder's gradients while the encoder's are computed, with
   * the same losses bit for bit; `step` also keeps the values of the first pass for the second, with the same losses to rounding. On the
   * CPU, without `accumulate`. Default: nothing.
   */
  readonly overlap?: Overlap | null
  /**
   * Leave out batches with a frame that cannot be read, or whose loss or gradient is not finite, and go on; default: such a batch
   * ends the run. Six in a row end it all the same.
   */
  readonly skipBad?: boolean
  /**
   * So many validation images are drawn after each validation, into `pictures` of `out`: photo, measured depth and every step's map.
   * Default: 0, none.
   */
  readonly pictures?: number
  /** When aborted, on any rank, the run stops after the current update, with a checkpoint. */
  readonly signal?: AbortSignal
  /** Called for every line of the log, on rank 0. */
  readonly onEvent?: (event: TrainEvent) => void
}
