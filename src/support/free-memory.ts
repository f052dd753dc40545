/**
 * Freed memory that the C library keeps. glibc gives every thread an arena of its own, and pages that become free inside one stay with the
 * process. Over thousands of photos, each decoded and encoded by whichever thread is free, that adds up, although nothing leaks.
 * `malloc_trim` hands whole free pages back to the system, those of all arenas.
 */

/** Items, photos for example, after which free memory is given back. */
const EVERY = 64

/** To be called after each item of a long task. */
export type MemoryKeeper = () => void

interface KeeperOptions {
  readonly every?: number
  /** For tests. */
  readonly find?: () => Promise<Trim | null>
}

/**
 * A keeper for this process, which gives free memory back every `every` items. Without glibc (other systems, Alpine) or without the optional package koffi it does nothing: such a process
 * works as well, and may hold more memory.
 */
export async function memoryKeeper({ every = EVERY, find = findTrim }: KeeperOptions = {}): Promise<MemoryKeeper> {
  const trim = await find()
  if (trim === null) return () => {}
  let items = 0
  return () => {
    if (++items % every === 0) trim(0)
  }
}

/** glibc's `int malloc_trim(size_t pad)`: 1 when memory went back to the system, else 0. */
type Trim = (pad: number) => number

/** Null where there is no glibc or no koffi. */
export async function findTrim(): Promise<Trim | null> {
  if (process.platform !== 'linux') return null
  try {
    const { default: koffi } = await import('koffi')
    return koffi.load('libc.so.6').func('int malloc_trim(size_t pad)')
  } catch {
    return null
  }
}
