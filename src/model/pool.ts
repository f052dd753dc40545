/**
 * Sums over a batch that does not fit into memory, or lies on several machines.
 *
 * Every term of the loss is a function of a few sums over the pixels of the batch: a mean is a sum over a count, the scale-invariant
 * term a root of means. With sᵢ the sums of part i,
 *
 *     L = F(S)    S = Σᵢ sᵢ    dL/dθ = Σᵢ F′(S) · dsᵢ/dθ
 *
 * so the gradient of a batch is not the mean of the gradients of its parts, each with a loss of its own. It is the sum of their shares,
 * each with the slope F′ at the sums of all. The loss therefore hands every such sum to a `Pool`, which says what it is for the batch.
 */
import type { Tensor } from '../graph/index.ts'

/** From a sum over the images of a graph, a scalar, to that sum over the whole batch. */
export type Pool = (sum: Tensor) => Tensor

/** The images of the graph are the batch. */
export const wholeBatch: Pool = (sum) => sum
