/**
 * The optimiser's passes over memory. A pass updates a stretch of the layout in some twenty element-wise ops, so it is short: what the ops
 * hand to each other then stays in the processor's cache.
 *
 * s and w (optimiser.ts) are the same for all values of a parameter. So a large parameter has passes of its own, which share one array of s
 * and one of w with all passes of the same two values; only passes over several small parameters have arrays of their own.
 */
import type { Entry, Layout } from './parameters.ts'

/** Values of a layout that lie together. */
export interface Stretch {
  readonly offset: number
  readonly length: number
}

/** Values that one pass updates, and where s and w of them lie in the arrays of all passes. */
export interface Pass extends Stretch {
  readonly factors: number
}

/** Equal values of s and of w, from `at` on in the arrays of all passes. */
interface Run {
  readonly at: number
  readonly length: number
  readonly rate: number
  readonly decay: number
}

/** The passes, and the arrays of s and w that they read: `length` values each, as `runs` says. */
export interface Passes {
  readonly passes: readonly Pass[]
  readonly runs: readonly Run[]
  readonly length: number
}

/** The stretches of a layout between the parameters that are left out. */
export function stretches({ entries }: Layout, still: (name: string) => boolean): Stretch[] {
  const found: { offset: number; length: number }[] = []
  for (const { name, offset, length } of entries) {
    if (still(name)) continue
    const last = found.at(-1)
    if (last && last.offset + last.length === offset) last.length += length
    else found.push({ offset, length })
  }
  return found
}

/** Passes over `all`, of at most `most` values each. `rates` and `decay` are s and w by the layout's entries. */
export function passesOver(
  all: readonly Stretch[],
  { entries }: Layout,
  { rates, decay }: { readonly rates: readonly number[]; readonly decay: readonly number[] },
  most: number,
): Passes {
  const parts = all.flatMap((stretch) => cut(stretch, entries, most))
  const longest = Math.max(0, ...parts.map(({ length }) => length))
  const passes: Pass[] = []
  const runs: Run[] = []
  /** Where the arrays have one s and one w that often. */
  const shared = new Map<string, number>()
  let length = 0
  for (const part of parts) {
    const own = runsOf(part, entries, rates, decay)
    const alike = own.length === 1 ? `${own[0].rate} ${own[0].decay}` : null
    const known = alike === null ? undefined : shared.get(alike)
    passes.push({ ...part, factors: known ?? length })
    if (known !== undefined) continue
    if (alike !== null) shared.set(alike, length)
    for (const run of own) runs.push({ ...run, at: length + run.at, length: alike === null ? run.length : longest })
    length += alike === null ? part.length : longest
  }
  return { passes, runs, length }
}

/** A stretch in parts. A parameter of `most` values or more is cut from its begin on; what is left of it goes to the next part. */
function cut({ offset, length }: Stretch, entries: readonly Entry[], most: number): Stretch[] {
  const parts: Stretch[] = []
  let begin = offset
  const upTo = (end: number) => {
    while (begin < end) {
      const length = Math.min(most, end - begin)
      parts.push({ offset: begin, length })
      begin += length
    }
  }
  for (const entry of entries) {
    if (entry.length < most || entry.offset < offset || entry.offset >= offset + length) continue
    upTo(entry.offset)
    upTo(entry.offset + entry.length - (entry.length % most))
  }
  upTo(offset + length)
  return parts
}

/** s and w along a stretch, equal neighbours together; `at` counts from its begin. */
function runsOf(
  { offset, length }: Stretch,
  entries: readonly Entry[],
  rates: readonly number[],
  decay: readonly number[],
): Run[] {
  const runs: Run[] = []
  entries.forEach((entry, i) => {
    const begin = Math.max(offset, entry.offset)
    const end = Math.min(offset + length, entry.offset + entry.length)
    if (begin >= end) return
    const last = runs.at(-1)
    if (last?.rate === rates[i] && last.decay === decay[i])
      runs[runs.length - 1] = { ...last, length: last.length + end - begin }
    else runs.push({ at: begin - offset, length: end - begin, rate: rates[i], decay: decay[i] })
  })
  return runs
}
