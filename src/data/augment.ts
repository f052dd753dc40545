/**
 * From a frame to a training sample at the network's size. `augment` draws a random view (crop, stretch, small
 * rotation, mirror; view.ts) and random colours (colour.ts). `wholeFrame` is deterministic and for validation: the whole
 * frame, unchanged. Both label in canonical metres (image/camera.ts). A crop looks like a longer lens, so it gets the
 * smaller depths that such a lens gives.
 */
import { z } from 'zod'
import { toPlanes } from '../image/resize.ts'
import { cameraOf, type View, viewOf, viewScale, wholeView } from '../image/view.ts'
import { compressInPlace } from '../rooms/sensor/jpeg.ts'
import type { Random } from '../support/random.ts'
import { drawColour, finishColour } from './colour.ts'
import { pasteDepth } from './cut-depth.ts'
import type { Frame } from './types.ts'
import { sampleDepth, sampleImage } from './view.ts'

/** One frame as a training sample. */
export interface Sample {
  /** 3·height·width planar RGB in [0, 1]. */
  readonly image: Float32Array
  /** height·width canonical metres, 0 where nothing was measured. */
  readonly depth: Float32Array
  /** The frame's name. */
  readonly name: string
  /** Canonical metres per true metre: divide a prediction by it to get metres. */
  readonly scale: number
}

/** Size of a sample, and where it is written. */
export interface SampleSize {
  readonly width: number
  readonly height: number
  /** Where to write, 3·height·width and height·width long; new arrays when absent. */
  readonly into?: { readonly image: Float32Array; readonly depth: Float32Array }
}

const share = z.number().min(0).max(1)

/**
 * Strength of the augmentation. Plain data, so that a recipe can state it and a worker can receive it. Defaults:
 * `augment`, `drawView`.
 */
export const augmentationSchema = z.strictObject({
  /** Side of the crop, relative to the largest crop of its shape that fits the frame. */
  minScale: z.number().positive().max(1).optional(),
  maxScale: z.number().positive().max(1).optional(),
  /** Probability of the largest crop, upright, as in `wholeFrame` and in prediction. */
  whole: share.optional(),
  /** Largest stretch of one side relative to the other, in addition to fitting the frame into the network's shape. */
  stretch: z.number().min(1).optional(),
  /** Degrees, either way. A rotated crop is made small enough to stay inside the frame. */
  rotation: z.number().min(0).max(45).optional(),
  /** Probability of a mirror image. */
  mirror: share.optional(),
  /** Strength of the colour changes, 0 to 1. */
  colour: share.optional(),
  /** Probabilities of a grey image, of a slight blur and of noise. */
  grey: share.optional(),
  blur: share.optional(),
  noise: share.optional(),
  /**
   * Probability of resizing as other libraries do: bilinear without antialias, or sharpened like bicubic and Lanczos
   * filters. Default 0. A model that saw only one filter depends on it, and predicts other metres for images resized by
   * another.
   */
  resample: share.optional(),
  /** Probability of JPEG losses at the network's size, with a quality between 30 and 95. Default 0. */
  jpeg: share.optional(),
  /** Probability that a strip of the image is replaced by its depth (cut-depth.ts). Default 0. */
  cutDepth: share.optional(),
})
/** Strength of the augmentation, as plain data. */
export type Augmentation = Readonly<z.infer<typeof augmentationSchema>>

/** Of the kernel [−s, 1 + 2s, −s]: about the overshoot of a Lanczos filter at an edge. */
const MOST_SHARPENED = 0.12

/** A random sample; the same `random` gives the same bytes. A frame without depth gets an empty label. */
export function augment(frame: Frame, random: Random, options: SampleSize & Augmentation): Sample {
  const { colour = 1, grey = 0.05, blur = 0.15, noise = 0.3, resample = 0, jpeg = 0, cutDepth = 0 } = options
  const view = drawView(frame, random, options)
  const change = drawColour(frame.image, random, { strength: colour, grey, blur, noise })
  const filter = drawFilter(random, resample)
  const { image, depth } = buffers(options)
  sampleImage(frame.image, view, change.curves, image, { antialias: filter.antialias })
  finishColour(image, view.width, view.height, { ...change, blur: change.blur - filter.sharpen }, random)
  if (jpeg > 0 && random.chance(jpeg)) compress(image, view.width, view.height, random.uniform(30, 95))
  const sample = labelled(frame, view, image, depth)
  if (cutDepth > 0 && random.chance(cutDepth)) pasteDepth(image, depth, view, random)
  return sample
}

/**
 * How the image is resized. Uses no random number where `probability` is 0, so that runs without this option stay as
 * they were.
 */
function drawFilter(random: Random, probability: number): { readonly antialias: boolean; readonly sharpen: number } {
  if (probability === 0 || !random.chance(probability)) return { antialias: true, sharpen: 0 }
  return random.chance(0.5)
    ? { antialias: false, sharpen: 0 }
    : { antialias: true, sharpen: random.uniform(0.03, MOST_SHARPENED) }
}

/** Replaces a planar 3·height·width image in [0, 1] by what a JPEG file of this quality would decode to. */
function compress(image: Float32Array, width: number, height: number, quality: number): void {
  const plane = width * height
  const rgb = Uint8Array.from(image, (_, i) => Math.round(255 * image[(i % 3) * plane + Math.floor(i / 3)]))
  compressInPlace(rgb, width, height, quality)
  for (let i = 0; i < plane; i++) for (let c = 0; c < 3; c++) image[c * plane + i] = rgb[3 * i + c] / 255
}

/** The whole frame at the network's size, its image resized as in prediction. Not random. */
export function wholeFrame(frame: Frame, size: SampleSize): Sample {
  const { width, height } = size
  const { image, depth } = buffers(size)
  toPlanes(frame.image, width, height, { out: image })
  return labelled(frame, wholeView(frame, width, height), image, depth)
}

/** The label of `wholeFrame` alone; the image is not written. */
export function wholeLabel(frame: Frame, size: SampleSize): Sample {
  const { image, depth } = buffers(size)
  return labelled(frame, wholeView(frame, size.width, size.height), image, depth)
}

function buffers({ width, height, into }: SampleSize): { image: Float32Array; depth: Float32Array } {
  return into ?? { image: new Float32Array(3 * width * height), depth: new Float32Array(width * height) }
}

function labelled(frame: Frame, view: View, image: Float32Array, depth: Float32Array): Sample {
  const scale = viewScale(frame, view)
  sampleDepth(frame, view, scale, depth)
  return { image, depth, name: frame.name, scale }
}

/**
 * A random view inside the frame.
 *
 * Let k be the shape (width over height) of the crop over that of the network. k = 1 keeps the proportions of things; k
 * = k₀ = frame shape / network shape stretches the whole frame to the network's shape. Training has to cover both: k =
 * k₀^t · stretch^s with t uniform in [0, 1] and s in [−1, 1].
 */
export function drawView(frame: Frame, random: Random, options: SampleSize & Augmentation): View {
  const { width, height, minScale = 0.7, maxScale = 1, whole = 0.15 } = options
  const { stretch = 1.1, rotation = 4, mirror = 0.5 } = options
  const { width: w, height: h } = frame.image
  const networkShape = width / height
  const toFrame = w / h / networkShape
  const upright = random.chance(whole)
  const shape = networkShape * toFrame ** random.uniform() * stretch ** random.uniform(-1, 1)
  const scale = upright ? maxScale : random.uniform(minScale, maxScale)
  const angle = upright ? 0 : (random.uniform(-rotation, rotation) * Math.PI) / 180
  const mirrored = random.chance(mirror)
  let cropHeight = scale * Math.min(h, w / shape)
  let cropWidth = cropHeight * shape
  // The upright bounding box of the rotated crop has to fit into the frame.
  const { fx, fy } = cameraOf(frame)
  const [sin, cos] = [Math.abs(Math.sin(angle)), Math.cos(angle)]
  const boxWidth = (cw: number, ch: number) => cos * cw + sin * (fx / fy) * ch
  const boxHeight = (cw: number, ch: number) => cos * ch + sin * (fy / fx) * cw
  const fit = Math.min(1, w / boxWidth(cropWidth, cropHeight), h / boxHeight(cropWidth, cropHeight))
  cropWidth *= fit
  cropHeight *= fit
  const [marginX, marginY] = [boxWidth(cropWidth, cropHeight) / 2, boxHeight(cropWidth, cropHeight) / 2]
  const centreX = random.uniform(marginX, w - marginX)
  const centreY = random.uniform(marginY, h - marginY)
  const place = { width, height, cropWidth, cropHeight, centreX, centreY }
  return viewOf({ ...place, angle, mirrored, pixelAspect: fx / fy })
}
