/**
 * What looks wrong with a data set, from its figures: scales that are off, codes taken for distances, depth of 8 bits in a
 * 16-bit file, maps of another picture. These are suspicions, in one line each with the reason and the remedy: a wrong
 * scale still looks like a depth map, and training on it fails without a word.
 */
import type { MapFigures } from './depth-statistics.ts'

/** What a data set's frames have in common, as far as the rules need it. */
export interface SetFigures {
  readonly frames: readonly (MapFigures & { readonly name: string })[]
  /** Frames whose depth has another shape than the image, beyond one percent. */
  readonly otherShape: readonly string[]
}

/** Metres: no set of photos has a median nearer or farther than these. */
const NEAREST_MEDIAN = 0.05
const FARTHEST_MEDIAN = 200
/** A measured map has thousands of distances; a byte has 256. */
const BYTE_LEVELS = 256
/** Enough measurements to judge a map by. */
const ENOUGH = 0.001

export function suspicions({ frames, otherShape }: SetFigures): string[] {
  const measured = frames.filter(({ valid }) => valid > ENOUGH)
  if (frames.length === 0) return []
  const found: (string | null)[] = [
    scale(measured),
    few(measured),
    share(
      measured,
      ({ atMax, max, median }) => atMax > 0.02 && max > 4 * median,
      (count, { name, max, atMax }) =>
        `${count} frames have many pixels at exactly one largest distance (${name}: ${percent(atMax)} at ${max.toFixed(3)} m), probably a code for "no measurement": store 0 there`,
    ),
    share(
      measured,
      ({ inEights, levels }) => inEights > 0.98 && levels > 64,
      (count, { name }) =>
        `${count} frames hold only multiples of 8 mm (${name}): bits may be rotated as in SUN RGB-D; read it with that layout`,
    ),
    sparse(frames),
    otherShape.length > 0
      ? `${otherShape.length} frames have depth of another shape than the photo (${otherShape[0]}): crop both alike`
      : null,
  ]
  return found.filter((line) => line !== null)
}

type Named = SetFigures['frames'][number]

function scale(frames: readonly Named[]): string | null {
  const medians = frames.map(({ median }) => median).sort((a, b) => a - b)
  const typical = medians[medians.length >> 1]
  if (typical > FARTHEST_MEDIAN)
    return `the typical distance is ${typical.toPrecision(3)} m: millimetres read as metres? Give the units per metre (1000 times as many as now)`
  if (typical < NEAREST_MEDIAN)
    return `the typical distance is ${typical.toPrecision(3)} m: metres read as millimetres, or a depth scale that is too large? Give the units per metre`
  const spread = medians[Math.floor(0.95 * (medians.length - 1))] / medians[Math.floor(0.05 * (medians.length - 1))]
  if (spread > 100)
    return `typical distances of frames differ by a factor of ${spread.toPrecision(2)}: do all have the same units?`
  return null
}

function few(frames: readonly Named[]): string | null {
  const flat = frames.filter(({ levels }) => levels <= BYTE_LEVELS)
  if (flat.length === 0 || flat.length < frames.length / 2) return null
  const [{ name, levels }] = flat
  return `${flat.length} frames have no more than ${BYTE_LEVELS} different distances (${name}: ${levels}): saved with 8 bits, or as whole metres, before? Export depth again with 16 bits`
}

function sparse(frames: readonly Named[]): string | null {
  const mean = frames.reduce((sum, { valid }) => sum + valid, 0) / frames.length
  return mean < 0.01 ? `only ${percent(mean)} of the pixels have a measurement: is 0 the only code for "none"?` : null
}

/** A line when at least a tenth of the frames fit the rule. */
function share(
  frames: readonly Named[],
  rule: (figures: Named) => boolean,
  line: (count: number, first: Named) => string,
): string | null {
  const fitting = frames.filter(rule)
  return fitting.length > 0 && fitting.length >= frames.length / 10 ? line(fitting.length, fitting[0]) : null
}

export const percent = (value: number) => `${(100 * value).toFixed(value > 0 && value < 0.0995 ? 1 : 0)} %`
