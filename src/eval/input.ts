/**
 * Asks the network as a protocol says and makes one map of the answers: the crop of the input, two windows of a wide
 * image, the mirrored image. The formulas are in protocol.ts.
 *
 * A crop keeps its camera: focal length in pixels, principal point moved. Where the camera is unknown, the one assumed
 * for the whole image is also used for its parts. A part treated as a whole photo would seem to have a longer lens.
 */
import { cameraOf, type Frame } from '../data/index.ts'
import { resizeBilinear } from '../image/resize.ts'
import type { DepthImage, RgbImage } from '../image/types.ts'
import { DarError } from '../support/errors.ts'
import type { Prediction, Predictor } from './prediction.ts'
import { type Halves, inputBox, type Protocol, type Rectangle } from './protocol.ts'

/** Wraps `predict` so that it is asked as the protocol says. Maps are in pixels of the whole frame. */
export function underProtocol(predict: Predictor, { input = 'whole', halves, flip }: Protocol): Predictor {
  let ask = predict
  if (halves) ask = inHalves(ask, halves)
  if (flip) ask = flipAveraged(ask)
  return input === 'whole' ? ask : onPart(ask, ({ image }) => inputBox(input, image.width, image.height))
}

/** Predicts a part of each frame. `boxOf`: in whole pixels of the image. */
function onPart(predict: Predictor, boxOf: (frame: Frame) => Rectangle): Predictor {
  return async (frame) => {
    const box = boxOf(frame)
    const prediction = await predict(partOf(frame, box))
    const { left, top, width, height } = prediction.covers ?? { left: 0, top: 0, width: box.width, height: box.height }
    return { ...prediction, covers: { left: box.left + left, top: box.top + top, width, height } }
  }
}

/** A part of a photo, without its ground truth, which a predictor must not see. */
function partOf(frame: Frame, { left, top, width, height }: Rectangle): Frame {
  const { image } = frame
  const data = new Uint8Array(3 * width * height)
  for (let y = 0; y < height; y++) {
    const from = 3 * ((top + y) * image.width + left)
    data.set(image.data.subarray(from, from + 3 * width), 3 * y * width)
  }
  const camera = cameraOf(frame)
  const intrinsics = { ...camera, cx: camera.cx - left, cy: camera.cy - top }
  return { name: frame.name, image: { width, height, data }, depth: null, intrinsics }
}

/** The mirror image, without its ground truth, which no predictor may look at. */
export function mirrored(frame: Frame): Frame {
  const { width, height, data } = frame.image
  const turned = new Uint8Array(data.length)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const from = 3 * (y * width + x)
      const to = 3 * (y * width + width - 1 - x)
      turned[to] = data[from]
      turned[to + 1] = data[from + 1]
      turned[to + 2] = data[from + 2]
    }
  const { intrinsics } = frame
  const image: RgbImage = { ...frame.image, data: turned }
  return { ...frame, image, depth: null, intrinsics: intrinsics && { ...intrinsics, cx: width - 1 - intrinsics.cx } }
}

function flipAveraged(predict: Predictor): Predictor {
  return async (frame) => {
    const straight = whole(await predict(frame), frame)
    const turned = whole(await predict(mirrored(frame)), frame)
    return combine(straight, turned, (a, b) => {
      if (a.width !== b.width || a.height !== b.height)
        throw new DarError(`the prediction of ${frame.name} has another size than that of its mirror image`)
      const { width } = a
      const data = a.data.map((value, i) => {
        const x = i % width
        return (value + b.data[i - x + width - 1 - x]) / 2
      })
      return { ...a, data }
    })
  }
}

function inHalves(predict: Predictor, { share, blend }: Halves): Predictor {
  return async (frame) => {
    const { width, height } = frame.image
    const part = Math.ceil(share * width)
    const box = { top: 0, width: part, height }
    const left = whole(await predict(partOf(frame, { ...box, left: 0 })), frame)
    const right = whole(await predict(partOf(frame, { ...box, left: width - part })), frame)
    const start = width - part // start of the overlap, which ends where the left window does
    return combine(left, right, (a, b) => {
      const [l, r] = [a, b].map((map) => resizeBilinear(map.data, map.width, map.height, part, height))
      const data = new Float32Array(width * height)
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          const at = y * width + x
          if (x < start) data[at] = l[y * part + x]
          else if (x >= part) data[at] = r[y * part + x - start]
          else {
            const weight = blend === 'mean' ? 0.5 : (x + 0.5 - start) / (part - start)
            data[at] = (1 - weight) * l[y * part + x] + weight * r[y * part + x - start]
          }
        }
      return { width, height, data }
    })
  }
}

function whole(prediction: Prediction, { name }: Frame): Prediction {
  if (prediction.covers)
    throw new DarError(`the prediction of ${name} covers a part of it only; use a protocol without flip and halves`)
  return prediction
}

/** Combines the depth, the steps and sigma of two predictions, map by map. */
function combine(a: Prediction, b: Prediction, of: (a: DepthImage, b: DepthImage) => DepthImage): Prediction {
  return {
    ...of(a, b),
    ...(a.steps && b.steps && { steps: a.steps.map((step, k) => of(step, b.steps?.[k] ?? step)) }),
    ...(a.sigma && b.sigma && { sigma: of(a.sigma, b.sigma) }),
  }
}
