/**
 * `--device`, the same for every verb that runs a model. `loadModel` or the engine checks whether the machine has the
 * device.
 */
import { Option } from 'commander'
import type { Provider } from '../runtime/protocol.ts'

const DEVICES: readonly Provider[] = ['cpu', 'webgpu', 'cuda']

export interface DeviceFlags {
  readonly device: Provider
}

export const deviceOption = () => new Option('--device <name>', 'what computes').choices(DEVICES).default('cpu')
