/**
 * Names of temporary files contain the process that writes them. Files that a killed process left can thus be
 * distinguished from files that are still being written:
 *
 *     .NAME.<host>-<pid>-<random>.tmp        beside the NAME that it becomes
 *
 * `host` is a hash of the machine's name: process numbers of another machine, on a shared disk, mean nothing here. Only names of
 * this form are ever removed, and only when the process is gone. Left out: files of other machines, which only these can judge.
 */
import { createHash, randomUUID } from 'node:crypto'
import { type Dirent, readdirSync, rmSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'

const PATTERN = /^\..+\.([0-9a-f]{6})-(\d{1,10})-[0-9a-f]{8}\.(?:tmp|old|onnx)$/

/** Six hexadecimal digits that stand for this machine. */
export const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 6)

/** A new name beside `path`. `ending`: `tmp` of what is being written, `old` of what steps aside, `onnx` where a loader wants that. */
export function temporaryBeside(path: string, ending: 'tmp' | 'old' | 'onnx' = 'tmp'): string {
  const random = randomUUID().slice(0, 8)
  // A name may have 255 bytes, of which this takes some.
  const name = ending === 'onnx' ? basename(path) : basename(path).slice(0, 64)
  return join(dirname(path), `.${name}.${HOST}-${process.pid}-${random}.${ending}`)
}

/** Whether a process of this machine runs, also when it belongs to another user. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

const swept = new Set<string>()

/** `removeStale`, once for each folder in the life of this process. */
export function sweepOnce(folder: string): void {
  const path = resolve(folder)
  if (swept.has(path)) return
  swept.add(path)
  removeStale(path)
}

/**
 * Removes what processes that are gone have left in a folder, and returns the names. What cannot be removed stays: the next
 * write into the folder reports the error. What stepped aside (`.old`) is not touched: it may be all that is left of a folder.
 */
export function removeStale(folder: string): string[] {
  let entries: Dirent[]
  try {
    entries = readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
  return entries
    .filter(({ name }) => !name.endsWith('.old') && isStale(join(folder, name), name))
    .map(({ name }) => name)
    .filter((name) => {
      try {
        rmSync(join(folder, name), { recursive: true })
        return true
      } catch {
        return false
      }
    })
}

function isStale(path: string, name: string): boolean {
  const [, host, pid] = PATTERN.exec(name) ?? []
  if (host !== HOST) return false
  if (Number(pid) !== process.pid) return !isRunning(Number(pid))
  // A container gives every run the same number: what is older than this process is not its own.
  const began = Date.now() - 1000 * process.uptime()
  return (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? began) < began
}
