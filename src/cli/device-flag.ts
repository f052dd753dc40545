/**
 * `--device`, the same for every verb that runs a model. `loadModel` or the engine checks whether the machine has the
 * device.
 */
import { Option } from 'commander'
import type { Precision } from '../graph/index.ts'
import type { Provider } from '../runtime/protocol.ts'

const DEVICES: readonly Provider[] = ['cpu', 'webgpu', 'cuda']

export interface DeviceFlags {
  readonly device: Provider
}

const PRECISIONS: readonly Precision[] = ['single', 'half']

/** Of verbs that train. */
export interface PrecisionFlags {
  readonly precision: Precision
}

export const precisionOption = () =>
  new Option('--precision <name>', 'what the matrix products of a step compute in; half is for GPUs with float16')
    .choices(PRECISIONS)
    .default('single')

export const deviceOption = () => new Option('--device <name>', 'what computes').choices(DEVICES).default('cpu')
