/** Peak resident memory of a ViT step, measured in a process of its own. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { VitSize } from './vit.ts'

/** MiB at the highest point, the engine and Node included. */
export async function peakMemory(size: VitSize): Promise<number> {
  const script = fileURLToPath(new URL('./memory-child.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, JSON.stringify(size)])
  return Number(stdout.trim())
}
