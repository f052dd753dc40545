/**
 * `--device`, the same for every verb that runs a model. `loadModel` or the engine checks whether the machine has the
 * device.
 */
import { Option } from 'commander'
import type { Provider } from '../runtime/protocol.ts'
import { DarError } from '../support/errors.ts'

const DEVICES: readonly Provider[] = ['cpu', 'webgpu']

export interface DeviceFlags {
  readonly device: Provider
}

export const deviceOption = () => new Option('--device <name>', 'what computes').choices(DEVICES).default('cpu')

/** For verbs that train. @throws DarError for every device but the CPU. */
export function refuseDevice({ device }: DeviceFlags): void {
  if (device !== 'cpu') throw new DarError(`--device ${device}: training runs on the CPU only; leave --device out`)
}
