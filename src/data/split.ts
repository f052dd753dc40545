/**
 * Hold-outs that never put neighbouring frames on both sides. Consecutive frames of a walk, or of one sitting in front
 * of one curtain, are nearly equal. A random split of such frames measures memory, not depth. Frames are therefore held
 * out by day of capture, by the end of the walk, or by contiguous blocks, with a gap of dropped frames at every border.
 *
 * Pure functions on names. The names are sorted first, and must then be in order of capture. Random splits are left out
 * on purpose.
 */
import { z } from 'zod'
import { DarError } from '../support/errors.ts'

/** Names of the frames of the two sides. Frames of the gaps are in neither. */
export interface Split {
  readonly train: readonly string[]
  readonly test: readonly string[]
}

/** Each frame is compared with each block. */
const MOST_BLOCKS = 1000

const gap = z.int().min(0).optional()

const prefixSchema = z.strictObject({
  /** Names that begin with one of these are held out: days, for names `yyyymmddhhmmss`. */
  heldOut: z.array(z.string().min(1)).min(1).readonly(),
})

const tailSchema = z.strictObject({
  /** Share of the frames, at the end, that is held out; default 0.2. */
  fraction: z.number().positive().optional(),
  /** Frames dropped between the two sides; default 2. */
  gap,
})

const blocksSchema = z.strictObject({
  /** How many blocks are held out, one in the middle of each of as many equal pieces of the sequence; default 2. */
  blocks: z.int().positive().max(MOST_BLOCKS).optional(),
  /** Share of all frames that the blocks hold in total; default 0.2. */
  fraction: z.number().positive().optional(),
  /** Frames dropped on either side of every block; default 2. */
  gap,
})

/** A hold-out as plain data, as a schema for recipes. */
export const splitSchema = z.discriminatedUnion('kind', [
  prefixSchema.extend({ kind: z.literal('prefix') }),
  tailSchema.extend({ kind: z.literal('tail') }),
  blocksSchema.extend({ kind: z.literal('blocks') }),
])

/** Which frames are held out, as plain data for a recipe. */
export type SplitRule = Readonly<z.infer<typeof splitSchema>>
/** Of a split by the beginnings of names. */
export type PrefixOptions = Readonly<z.infer<typeof prefixSchema>>
/** Of a split that holds out the end. */
export type TailOptions = Readonly<z.infer<typeof tailSchema>>
/** Of a split that holds out blocks. */
export type BlockOptions = Readonly<z.infer<typeof blocksSchema>>

/** Any of the three, by a rule that is plain data. Throws a DarError when a side would be empty. */
export function splitNames(names: readonly string[], rule: SplitRule): Split {
  if (rule.kind === 'prefix') return splitByPrefix(names, rule)
  return rule.kind === 'tail' ? splitTail(names, rule) : splitBlocks(names, rule)
}

/** Holds out whole groups of frames. Throws a DarError for a prefix that no name has (a typing mistake hides leaks). */
export function splitByPrefix(names: readonly string[], { heldOut }: PrefixOptions): Split {
  const unknown = heldOut.find((prefix) => !names.some((name) => name.startsWith(prefix)))
  if (unknown !== undefined) throw new DarError(`no frame name begins with "${unknown}"; check the held-out prefixes`)
  const held = (name: string) => heldOut.some((prefix) => name.startsWith(prefix))
  const sorted = names.toSorted()
  return checked({ train: sorted.filter((name) => !held(name)), test: sorted.filter(held) })
}

/** Holds out the end of the sequence. */
export function splitTail(names: readonly string[], { fraction = 0.2, gap = 2 }: TailOptions = {}): Split {
  const sorted = names.toSorted()
  const start = sorted.length - Math.round(heldShare(fraction) * sorted.length)
  return checked({ train: sorted.slice(0, Math.max(0, start - gap)), test: sorted.slice(start) })
}

/** Holds out contiguous blocks, spread over the sequence. */
export function splitBlocks(
  names: readonly string[],
  { blocks = 2, fraction = 0.2, gap = 2 }: BlockOptions = {},
): Split {
  if (!(Number.isInteger(blocks) && blocks >= 1 && blocks <= MOST_BLOCKS))
    throw new DarError(`cannot hold out ${blocks} blocks; give a whole number from 1 to ${MOST_BLOCKS}`)
  const sorted = names.toSorted()
  const train: string[] = []
  const test: string[] = []
  const size = (heldShare(fraction) * sorted.length) / blocks
  const piece = sorted.length / blocks
  const borders = Array.from({ length: blocks }, (_, k) => {
    const start = Math.round(k * piece + (piece - size) / 2)
    return { start, end: Math.round(start + size) }
  })
  sorted.forEach((name, i) => {
    if (borders.some(({ start, end }) => i >= start && i < end)) test.push(name)
    else if (!borders.some(({ start, end }) => i >= start - gap && i < end + gap)) train.push(name)
  })
  return checked({ train, test })
}

function heldShare(fraction: number): number {
  if (!(fraction > 0 && fraction < 1)) throw new DarError(`cannot hold out a share of ${fraction}; give one in (0, 1)`)
  return fraction
}

function checked(split: Split): Split {
  for (const side of ['train', 'test'] as const)
    if (split[side].length === 0) throw new DarError(`the split leaves no frame to ${side}; hold out other frames`)
  return split
}
