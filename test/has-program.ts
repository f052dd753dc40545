/** For tests that need a program of the system, and are skipped where it is absent. */
import { spawnSync } from 'node:child_process'

export function hasProgram(name: string): boolean {
  return spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0
}
