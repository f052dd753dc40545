/**
 * How long an update takes in many processes: the formula of docs/scaling.md.
 *
 *     t(N) = b·F/R · (1 + s) + a(N) − o
 *     a(N) = 2·(N−1)/N · G/W + 2·⌈log₂ N⌉ · L · ⌈G/bucket⌉
 *
 * F: operations of a training step for an image, R: operations a second that a process reaches, b: images of a process, s: the share of a step that
 * the first pass over the batch costs again (1/3, a forward pass; 0 for one process), G: bytes of the gradient, W: bytes a second between
 * processes, L: seconds of one message, o: communication that is hidden behind compute (0 without `overlap`: the sum begins when the gradient is complete).
 * The first term of a(N) is the least that any all-reduce moves (Thakur, Rabenseifner and Gropp, 2005).
 */

/** Of a model at its size. */
export interface TrainingCost {
  /** Operations of a training step, for an image. */
  readonly flops: number
  /** Bytes of its gradient. */
  readonly bytes: number
}

/** What one process has. */
export interface Machine {
  /** Operations a second in a training step, as measured. */
  readonly flops: number
  /** Bytes a second to the others. */
  readonly bandwidth: number
  /** Seconds that a message takes. */
  readonly latency: number
}

/** Of a step, in seconds. `efficiency`: of the time of one process for as many images as each has. */
export interface StepTime {
  readonly compute: number
  readonly allReduce: number
  readonly total: number
  readonly efficiency: number
}

/** Share of a training step that a forward pass is: forward, and twice as much backward. */
const FORWARD = 1 / 3
/** As in collective.ts. */
const BUCKET_BYTES = 4 * 2 ** 20

/** `images`: of one process. `hidden`: seconds of communication behind compute. */
export function stepTime(
  { flops, bytes }: TrainingCost,
  machine: Machine,
  { images, ranks, hidden = 0 }: { readonly images: number; readonly ranks: number; readonly hidden?: number },
): StepTime {
  const alone = (images * flops) / machine.flops
  const compute = ranks === 1 ? alone : alone * (1 + FORWARD)
  const messages = 2 * Math.ceil(Math.log2(ranks)) * Math.ceil(bytes / BUCKET_BYTES)
  const moved = (2 * (ranks - 1) * bytes) / ranks
  const allReduce = ranks === 1 ? 0 : moved / machine.bandwidth + messages * machine.latency
  const total = compute + Math.max(0, allReduce - hidden)
  return { compute, allReduce, total, efficiency: alone / total }
}
