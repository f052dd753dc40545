/**
 * The size at which the network sees an image. A model file that names the sizes it was trained at (`predictSizes`, as dar-nano's
 * does) is asked at one of them, whatever size a caller wants: at others its metres are wrong (dar-nano finds a bedroom half as deep at
 * 640×480 as at 256×192). Without a wish it is the one of the nearest shape; with one, the nearest by the cost below.
 *
 * A model that names none has a pixel budget, its own or the caller's: sides must be multiples of what its encoder needs, and an
 * image should be squeezed as little as possible:
 *
 *     minimise  |ln(w/h) − ln(W/H)| + ¼·|ln(w·h / budget)|      over multiples w, h with w·h ≤ 1.15·budget
 *
 * Aspect ratio counts four times as much as area: the network was not trained on squeezed images, while a few pixels
 * more or less do not matter. With 256×192: 4:3 gives 256×192, 3:4 192×256, 16:9 288×160, 1:1 224×224. No side is
 * shorter than 64 pixels, so images beyond about 13:1 are squeezed. Left out: tiles for panoramas.
 */
import { DarError } from '../support/errors.ts'
import { shortened } from '../support/text.ts'
import type { Size } from './types.ts'

/** Below this the encoder's coarsest map would be a row of one pixel. */
const MIN_SIDE = 64
const AREA_WEIGHT = 0.25
const AREA_SLACK = 1.15

/** The network size for an image of `image`, given the budget width·height; sides are multiples of `multiple`. */
export function networkSize(image: Size, budget: Size, multiple: number): Size {
  const least = Math.ceil(MIN_SIDE / multiple)
  const pixels = area(budget)
  const aspect = image.width / image.height
  // In units of `multiple`; the smallest square is always allowed.
  const most = Math.max(least * least, Math.floor((AREA_SLACK * pixels) / multiple ** 2))
  let best = { width: least * multiple, height: least * multiple }
  let lowest = Number.POSITIVE_INFINITY
  for (let rows = least; rows * least <= most; rows++) {
    // In a row the cost falls as far as the image's own shape and rises after it: one of the two columns beside it is the best.
    const widest = Math.floor(most / rows)
    const shape = Math.min(Math.max(Math.floor(rows * aspect), least), widest)
    for (let columns = shape; columns <= Math.min(shape + 1, widest); columns++) {
      const squeeze = Math.abs(Math.log(columns / rows / aspect))
      const cost = squeeze + AREA_WEIGHT * Math.abs(Math.log((rows * columns * multiple ** 2) / pixels))
      if (cost >= lowest) continue
      lowest = cost
      best = { width: columns * multiple, height: rows * multiple }
    }
  }
  return best
}

/**
 * Of the sizes that a model was trained at, the one whose shape is nearest to the image's. Metric scale does not carry
 * over to a size that the model has not seen, so the image is stretched instead, as in training.
 */
export function nearestShape(image: Size, sizes: readonly Size[]): Size {
  return sizes.reduce((best, size) => (stretch(image, size) < stretch(image, best) ? size : best))
}

/** The sizes that a model supports. */
export interface SizedModel {
  readonly name: string
  /** Pixel budget of the network's input. */
  readonly size: Size
  /** The sizes that the model was trained at; empty where that is not known. */
  readonly trainedSizes: readonly Size[]
  /** The sides of the network's input are multiples of this. */
  readonly multiple: number
}

export interface ChosenSize {
  readonly network: Size
  /** A note: why this is not the requested size, or what is unknown about it. */
  readonly warning: string | null
}

/** The size at which the network sees an image; `asked` is a caller's pixel budget. Throws a DarError when that is no size. */
export function chooseSize(image: Size, asked: Size | undefined, model: SizedModel): ChosenSize {
  const { name, size, trainedSizes, multiple } = model
  if (asked) checkSize(asked)
  if (trainedSizes.length === 0) {
    const network = networkSize(image, asked ?? size, multiple)
    const warning =
      asked && !isAlike(asked, size)
        ? `${name} does not state the sizes that it was trained at: at ${sizeText(asked)} its metres may differ from those at ${sizeText(size)}`
        : null
    return { network, warning }
  }
  if (!asked) return { network: nearestShape(image, trainedSizes), warning: null }
  const cost = (trained: Size) =>
    stretch(image, trained) + AREA_WEIGHT * Math.abs(Math.log(area(trained) / area(asked)))
  const network = trainedSizes.reduce((best, trained) => (cost(trained) < cost(best) ? trained : best))
  const warning = isAlike(asked, network)
    ? null
    : `${name} was trained at ${listed(trainedSizes)} and its metres are right only there: predicted at ${sizeText(network)} instead of ${sizeText(asked)}`
  return { network, warning }
}

const area = ({ width, height }: Size) => width * height
const isAlike = (a: Size, b: Size) => Math.abs(Math.log(area(a) / area(b))) <= Math.log(AREA_SLACK)
const stretch = (image: Size, { width, height }: Size) =>
  Math.abs(Math.log(((width / height) * image.height) / image.width))

/** `256x192`. */
export const sizeText = ({ width, height }: Size) => `${width}x${height}`

/** `256x192, 288x160 and 192x256`. */
export function listed(sizes: readonly Size[]): string {
  const texts = sizes.map(sizeText)
  return texts.length < 2 ? texts.join() : `${texts.slice(0, -1).join(', ')} and ${texts[texts.length - 1]}`
}

/** The most by which a shape may be longer than the network's before its metres are a guess, as a factor. */
const FAIR_SQUEEZE = 2.5
/** An image with a shorter side has too little content for a prediction. */
const FEWEST_PIXELS = 16

/** Why the metres of an image of this shape are a guess at best; null for an ordinary one. */
export function judgeShape({ width, height }: Size, network: Size): string | null {
  const squeeze = Math.exp(stretch({ width, height }, network))
  const shape = `an image of ${width}×${height} pixels`
  if (squeeze > FAIR_SQUEEZE)
    return `${shape} is squeezed ${Number(squeeze.toPrecision(2))} times to the network's ${sizeText(network)}, so its metres are a guess; cut it into pieces of ordinary shape`
  if (Math.min(width, height) < FEWEST_PIXELS) return `${shape} is too small to be judged, so its metres are a guess`
  return null
}

/** Reads `256x192` (width, then height). `source` names the file in the error. */
export function parseSize(text: string, source: string): Size {
  const [, width, height] = /^(\d+)x(\d+)$/.exec(text) ?? []
  return checkSize({ width: Number(width), height: Number(height) }, `${source}: the size '${shortened(text, 40)}'`)
}

/** What was given for a size, in JavaScript perhaps no size at all. */
const given = (size: unknown) =>
  shortened(size instanceof Object && 'width' in size ? sizeText(size as Size) : String(size), 40)

/** The most pixels of a network's input: beyond them one run takes tens of gigabytes. */
const MAX_AREA = 2 ** 22

/** Throws a DarError, `what` first, unless both sides are whole numbers from 1 to 8192, and the area is not above `MAX_AREA`. */
export function checkSize(size: Size, what = `the size ${given(size)}`): Size {
  const isSide = (n: number) => Number.isInteger(n) && n >= 1 && n <= 8192
  if (!isSide(size?.width) || !isSide(size?.height))
    throw new DarError(`${what} is not two whole numbers from 1 to 8192; give width and height, for example 256x192`)
  if (size.width * size.height > MAX_AREA)
    throw new DarError(`${what} has more than ${MAX_AREA} pixels, the most that a network is given; give a smaller one`)
  return size
}
