/** Tests of permissions: root may read and write everything, so where the tests run as root their programs run as nobody. */
import { spawnSync } from 'node:child_process'
import { chmod, chown, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { DAR } from './compiled.ts'

const NOBODY = 65_534
const isRoot = process.getuid?.() === 0

/** For `spawn`. */
export const asNobody = isRoot ? { uid: NOBODY, gid: NOBODY, env: { ...process.env, HOME: tmpdir() } } : {}

/** Whether nobody may read this checkout and Node; else such a test cannot be. */
export const canRead = process.platform !== 'win32' && canStart()

function canStart(): boolean {
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  return spawnSync(process.execPath, [DAR, '--version'], { cwd, stdio: 'ignore', ...asNobody }).status === 0
}

/** A folder of the user that the programs run as, with these permissions. */
export async function openFolder(path: string, mode: number): Promise<void> {
  await mkdir(path)
  if (isRoot) await chown(path, NOBODY, NOBODY)
  await chmod(path, mode)
}
