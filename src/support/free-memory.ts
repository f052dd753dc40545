/**
 * Freed memory that the C library keeps. glibc gives every thread an arena of its own, and pages that become free inside one stay with the
 * process. Over thousands of photos, each decoded and encoded by whichever thread is free, that adds up, although nothing leaks. Against it:
 *
 *   - Threads share few arenas, so that what one thread has freed, another uses. Those that have an arena already keep it.
 *   - A large array gets pages of its own, which go back to the system with it. glibc does so from 128 KB on, but raises that limit to the
 *     largest array that was freed, a photo's pixels for example; a limit that is set stays.
 *   - `malloc_trim` hands whole free pages back to the system, those of all arenas.
 */
import { availableParallelism } from 'node:os'

/** Items, photos for example, after which free memory is given back. */
const EVERY = 64
/** Bytes from which an array has pages of its own. */
const LARGE = 2 ** 18
/** A second one, so that threads seldom wait for each other; one for four cores on large machines, where glibc would make eight for each. */
const arenasFor = (cores: number): number => Math.max(2, Math.ceil(cores / 4))

/** Numbers of `mallopt`, from glibc's malloc.h. */
export const MALLOPT = { mmapThreshold: -3, arenaMax: -8 } as const

/** To be called after each item of a long task. */
export type MemoryKeeper = () => void

interface KeeperOptions {
  readonly every?: number
  readonly cores?: number
  /** For tests. */
  readonly find?: () => Promise<Allocator | null>
}

/**
 * A keeper for this process: from now on arrays are placed as above, and free memory is given back every `every` items. Without glibc (other
 * systems, Alpine) or without the optional package koffi it does nothing: such a process works as well, and may hold more memory.
 */
export async function memoryKeeper({
  every = EVERY,
  cores = availableParallelism(),
  find = findAllocator,
}: KeeperOptions = {}): Promise<MemoryKeeper> {
  const allocator = await find()
  if (allocator === null) return () => {}
  allocator.set(MALLOPT.arenaMax, arenasFor(cores))
  allocator.set(MALLOPT.mmapThreshold, LARGE)
  let items = 0
  return () => {
    if (++items % every === 0) allocator.trim(0)
  }
}

/** What of glibc's malloc is called. */
export interface Allocator {
  /** `int malloc_trim(size_t pad)`: 1 when memory went back to the system, else 0. */
  readonly trim: (pad: number) => number
  /** `int mallopt(int param, int value)`: 1 when it was set, else 0. */
  readonly set: (parameter: number, value: number) => number
}

/** Null where there is no glibc or no koffi. */
export async function findAllocator(): Promise<Allocator | null> {
  if (process.platform !== 'linux') return null
  try {
    const { default: koffi } = await import('koffi')
    const library = koffi.load('libc.so.6')
    return { trim: library.func('int malloc_trim(size_t pad)'), set: library.func('int mallopt(int param, int value)') }
  } catch {
    return null
  }
}
