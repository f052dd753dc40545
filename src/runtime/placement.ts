/** Which operators of a graph run on which provider, from a profile of one run on zeros: ONNX Runtime tells it nowhere else. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type PortInfo, sizeOf } from '../graph/index.ts'
import type { Placement, PortData, SessionOptions } from './protocol.ts'
import { openSession, type SessionModel, tensorOf } from './session.ts'
import { native } from './thread.ts'

/** For worker threads. The graph is opened, run once on zeros, and closed. */
export async function placementOf(
  model: SessionModel,
  inputs: readonly PortInfo[],
  options: SessionOptions,
): Promise<Placement> {
  const folder = await mkdtemp(join(tmpdir(), 'dar-placement-'))
  try {
    const session = await openSession(model, options, { profile: join(folder, 'run') })
    const feeds = Object.fromEntries(inputs.map((port) => [port.name, tensorOf(port, zeros(port))]))
    await native(() => session.run(feeds))
    await native(async () => session.endProfiling())
    await native(() => session.release())
    const [file] = await readdir(folder)
    return counted(JSON.parse(await readFile(join(folder, file), 'utf8')))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function zeros({ dtype, shape }: PortInfo): PortData {
  const length = sizeOf(shape)
  if (dtype === 'int64') return new BigInt64Array(length)
  if (dtype === 'bool') return new Uint8Array(length)
  return dtype === 'float64' ? new Float64Array(length) : new Float32Array(length)
}

interface ProfileEvent {
  readonly cat: string
  readonly name: string
  readonly args?: { readonly op_name?: string; readonly provider?: string }
}

/** Nodes by provider and type. */
function counted(events: readonly ProfileEvent[]): Placement {
  const placement: Record<string, Record<string, number>> = {}
  for (const { cat, name, args } of events) {
    if (cat !== 'Node' || !name.endsWith('_kernel_time') || !args?.op_name || !args.provider) continue
    const provider = args.provider.replace('ExecutionProvider', '')
    placement[provider] ??= {}
    placement[provider][args.op_name] = (placement[provider][args.op_name] ?? 0) + 1
  }
  return placement
}
