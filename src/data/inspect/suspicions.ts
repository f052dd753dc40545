/**
 * Probable errors of a data set, derived from its figures: wrong scales, codes taken for distances, 8-bit depth in a
 * 16-bit file, maps of another picture. Each is one line with reason and remedy. Such errors stay unnoticed otherwise:
 * a wrong scale still looks like a depth map, and training on it gives no error.
 */
import type { MapFigures } from './depth-statistics.ts'

/** The figures that the rules need. */
export interface SetFigures {
  readonly frames: readonly (MapFigures & { readonly name: string })[]
  /** Frames whose depth has another shape than the image, beyond one percent. */
  readonly otherShape: readonly string[]
  /** Frames that have a photo and no depth map. */
  readonly bare: readonly string[]
}

/** Usual names of depth maps, for files that no reader took as such. */
const DEPTH_NAME = /depth|disp(?:arity)?(?:[_.-]|$)|ground_?truth/i

/** Metres. Medians outside this range do not occur in real data sets. */
const NEAREST_MEDIAN = 0.05
const FARTHEST_MEDIAN = 200
/**
 * Eight bits divide the range into 255 equal steps. A structured-light camera may also give only few distances, but its
 * steps grow with the square of the distance, so the near ones are far smaller than range/255.
 */
const BYTE_STEP = 1 / 260
/** Fewer measurements than this may have few steps by chance. */
const MANY = 2000
/** Enough measurements to judge a map. */
const ENOUGH = 0.001

export function suspicions({ frames, otherShape, bare }: SetFigures): string[] {
  const measured = frames.filter(({ valid }) => valid > ENOUGH)
  const photos = bare.filter((name) => DEPTH_NAME.test(name))
  const taken =
    photos.length > 0
      ? [`${photos.length} of the photos may be depth maps (${photos[0]}): put them into depth/ and photos into rgb/`]
      : []
  if (frames.length === 0) return taken
  const wrongScale = scale(measured)
  const found: (string | null)[] = [
    wrongScale,
    few(measured),
    share(
      measured,
      ({ atMax, max, median }) => atMax > 0.02 && max > 4 * median,
      (count, { name, max, atMax }) =>
        `${counted(count)} many pixels at exactly one largest distance (${name}: ${percent(atMax)} at ${max.toFixed(3)} m), probably a code for "no measurement": store 0 there`,
    ),
    share(
      measured,
      ({ inEights, levels }) => wrongScale === null && inEights > 0.98 && levels > 64,
      (count, { name }) =>
        `${counted(count)} only multiples of 8 mm (${name}): bits may be rotated as in SUN RGB-D; read it with that layout`,
    ),
    sparse(frames),
    otherShape.length > 0
      ? `${counted(otherShape.length)} depth of another shape than the photo (${otherShape[0]}): crop both alike`
      : null,
  ]
  return [...found.filter((line) => line !== null), ...taken]
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
  const coarse = frames.filter(({ measured, step }) => measured >= MANY && step > BYTE_STEP)
  if (coarse.length === 0 || coarse.length < frames.length / 2) return null
  const [{ name, levels }] = coarse
  return `${counted(coarse.length)} no finer steps than 8 bits have (${name}: ${levels} different distances): saved with 8 bits, or as whole metres, before? Export depth again with 16 bits`
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

const counted = (frames: number) => (frames === 1 ? '1 frame has' : `${frames} frames have`)

export const percent = (value: number) => `${(100 * value).toFixed(value > 0 && value < 0.0995 ? 1 : 0)} %`
