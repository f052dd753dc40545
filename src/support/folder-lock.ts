/**
 * A lock on a folder, so that only one process at a time writes to it. The lock is a file in the folder that names its holder:
 *
 *     .dar.lock      {"pid": 71, "host": "9f2c11", "start": "boot:ticks", "what": "dar train tiny"}
 *
 * A lock of a process that is gone is broken, so that a kill needs no tidying up. A process number may have been given to another
 * process since: on Linux its start time tells. On another machine, where nothing can be asked, the holder touches the file every few
 * seconds, and one that is no longer touched is broken too.
 */
import { randomUUID } from 'node:crypto'
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cannotWrite } from './cannot-write.ts'
import { DarError } from './errors.ts'
import { makeFolderSync } from './folders.ts'
import { HOST, isRunning, removeStale, temporaryBeside } from './temporary.ts'

/** Its name, for code that lists a folder. */
export const LOCK_FILE = '.dar.lock'
const HEARTBEAT_MS = 20_000
/** A holder on another machine that has not touched its lock for this long is gone. */
const SILENCE_MS = 10 * 60_000

interface Holder {
  readonly pid: number
  readonly host: string
  /** Null where the system does not report it. */
  readonly start: string | null
  /** What it does, for messages. */
  readonly what: string
  /** Of this lock alone. */
  readonly id: string
}

/** A lock, held until it is disposed or the process ends. */
export interface FolderLock {
  dispose(): Promise<void>
}

/**
 * Takes the lock of a folder, which is made if need be, and removes what killed processes have left there. Throws a DarError that
 * names the holder while there is one, and when the folder cannot be written to.
 */
export function lockFolder(folder: string, what: string): FolderLock {
  const path = join(folder, LOCK_FILE)
  const holder: Holder = { pid: process.pid, host: HOST, start: startOf(process.pid), what, id: randomUUID() }
  try {
    makeFolderSync(folder)
    removeStale(folder)
    for (let attempt = 0; !take(path, holder); attempt++) {
      const other = holderOf(path)
      // Several processes may find a dead one's lock at once: whoever is slower meets the new holder in its next try.
      if (attempt < 5 && (other === null || !isAlive(other, path))) breakLock(path, other)
      else throw isLocked(folder, path, other)
    }
  } catch (error) {
    throw error instanceof DarError ? error : cannotWrite(path, error)
  }
  const beat = setInterval(() => touch(path), HEARTBEAT_MS).unref()
  const release = () => {
    clearInterval(beat)
    process.off('exit', release)
    if (holderOf(path)?.id === holder.id) rmSync(path, { force: true })
  }
  process.on('exit', release)
  return {
    async dispose() {
      release()
    },
  }
}

/** Whether a living process holds the lock of a folder. */
export function isFolderLocked(folder: string): boolean {
  const path = join(folder, LOCK_FILE)
  const holder = holderOf(path)
  return holder !== null && isAlive(holder, path)
}

/** Whole from the first moment: a name for a file that is written already. False when somebody has the lock. */
function take(path: string, holder: Holder): boolean {
  const text = `${JSON.stringify(holder)}\n`
  const written = temporaryBeside(path)
  try {
    writeFileSync(written, text)
    linkSync(written, path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error
    return takeWithoutLinks(path, text)
  } finally {
    rmSync(written, { force: true })
  }
}

/** Takes the lock on disks without hard links (FAT, some network disks). */
function takeWithoutLinks(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Null when there is none, or one that says nothing: a power cut may leave it empty. */
function holderOf(path: string): Holder | null {
  try {
    const value: Partial<Holder> = JSON.parse(readFileSync(path, 'utf8'))
    const { pid, host, start = null, what, id } = value
    if (!Number.isInteger(pid) || typeof host !== 'string' || typeof what !== 'string' || typeof id !== 'string')
      return null
    return { pid: pid as number, host, start, what, id }
  } catch {
    return null
  }
}

function isAlive({ pid, host, start }: Holder, path: string): boolean {
  if (host !== HOST) return Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < SILENCE_MS
  return isRunning(pid) && startOf(pid) === start
}

/** When a process began, as the system counts; null where it cannot be asked. */
function startOf(pid: number): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    // The second field is the command in brackets, which may hold anything; the start time is the 22nd.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return `${boot}:${fields[22 - 3]}`
  } catch {
    return null
  }
}

/** Breaks a lock by a rename. If two processes break it, only one removes it, and neither removes the new lock of the other. */
function breakLock(path: string, known: Holder | null): void {
  const aside = temporaryBeside(path)
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  const taken = holderOf(aside)
  // Another process was faster, and this is its lock: back with it, unless a third has one already.
  if (taken?.id !== known?.id)
    try {
      linkSync(aside, path)
    } catch {
      // the third one's lock stands
    }
  rmSync(aside, { force: true })
}

function touch(path: string): void {
  try {
    const now = new Date()
    utimesSync(path, now, now)
  } catch {
    // the folder is gone or full: what is written there next will tell
  }
}

function isLocked(folder: string, path: string, holder: Holder | null): DarError {
  if (!holder) return new DarError(`${folder} is in use: ${path} cannot be taken; remove it if nothing writes there`)
  const { pid, host, what } = holder
  const where = host === HOST ? '' : ' on another machine'
  const remedy = host === HOST ? 'wait for it, or stop it' : `stop it there, or remove ${path} if it has ended`
  return new DarError(`${folder} is in use by process ${pid}${where} (${what}): ${remedy}, or choose another folder`)
}
