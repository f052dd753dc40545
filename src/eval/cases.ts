/**
 * Keeps the best and the worst frames of an evaluation as small pictures while it runs. No frame is read or predicted
 * twice, and memory does not grow with the data set. Ranked by abs_rel.
 */
import { colourise } from '../image/colormap.ts'
import { resizeBilinear, resizeImage, resizeNearestDepth } from '../image/resize.ts'
import type { DepthImage, RgbImage } from '../image/types.ts'
import { applyFit, clampPrediction } from './align.ts'
import type { JudgedFrame } from './evaluator.ts'
import type { FrameFigures } from './judge.ts'
import { measuredBox, type Protocol } from './protocol.ts'

/** Upper end of the colour scale of relative errors, the same in every report. */
export const WORST_ERROR = 0.5

/** One frame of a report, as pictures. */
export interface Case {
  readonly figures: FrameFigures
  readonly photo: RgbImage
  readonly truth: RgbImage
  readonly prediction: RgbImage
  /** |d − g| / g where the protocol measures, grey elsewhere; black 0, yellow `WORST_ERROR` and above. */
  readonly error: RgbImage
}

/** Metres at the ends of the colours: the protocol's range, so that reports under one protocol can be compared. */
export function depthColours({ minimum, cap }: Pick<Protocol, 'minimum' | 'cap'>) {
  return { near: Math.max(minimum, cap > 20 ? 2 : 0.3), far: cap }
}

/** The best and the worst frames of an evaluation. */
export interface Cases {
  /** For `onJudged`. */
  readonly collect: (judged: JudgedFrame) => void
  /** Lowest abs_rel first. */
  best(): readonly Case[]
  /** Highest abs_rel first. */
  worst(): readonly Case[]
}

/** Keeps `count` of each, at most `width` pixels wide. */
export function collectCases({
  count = 4,
  width = 320,
}: {
  readonly count?: number
  readonly width?: number
} = {}): Cases {
  const kept = { best: [] as Case[], worst: [] as Case[] }
  const error = ({ figures }: { figures: FrameFigures }) => figures.metrics.abs_rel
  return {
    collect(judged) {
      const ranks = {
        best: (a: { figures: FrameFigures }, b: { figures: FrameFigures }) => error(a) - error(b),
        worst: (a: { figures: FrameFigures }, b: { figures: FrameFigures }) => error(b) - error(a),
      }
      let drawn: Case | null = null
      for (const side of ['best', 'worst'] as const) {
        const list = kept[side]
        if (list.length === count && ranks[side](judged, list[count - 1]) >= 0) continue
        drawn ??= draw(judged, width)
        list.push(drawn)
        list.sort(ranks[side])
        list.length = Math.min(list.length, count)
      }
    },
    best: () => kept.best,
    worst: () => kept.worst,
  }
}

function draw({ frame, prediction, protocol, figures, fit }: JudgedFrame, most: number): Case {
  const { image, depth } = frame
  const width = Math.min(most, image.width)
  const height = Math.max(1, Math.round((image.height * width) / image.width))
  const small = { width, height }
  const photo = width === image.width ? image : resizeImage(image, width, height)
  const truth = depth ? resizeNearestDepth(depth, width, height) : { ...small, data: new Float32Array(width * height) }
  const raw = overFrame(prediction, image, small)
  const aligned = clampPrediction(applyFit(raw, fit), protocol.cap)
  const predicted: DepthImage = {
    ...small,
    data: Float32Array.from(aligned, (d, i) => (Number.isNaN(raw[i]) ? 0 : d)),
  }
  const range = depthColours(protocol)
  return {
    figures,
    photo,
    truth: colourise(truth, range),
    prediction: colourise(predicted, range),
    error: colourise(errorMap(truth, predicted, frame, protocol), {
      map: 'inferno',
      near: 0,
      far: WORST_ERROR,
      scale: 'linear',
      warm: 'far',
    }),
  }
}

/** A prediction at a picture's size; NaN where it covers nothing. */
function overFrame(
  { data, width, height, covers }: JudgedFrame['prediction'],
  image: { readonly width: number; readonly height: number },
  picture: { readonly width: number; readonly height: number },
): Float32Array {
  const perX = picture.width / image.width
  const perY = picture.height / image.height
  const area = covers ?? { left: 0, top: 0, width: image.width, height: image.height }
  const left = Math.round(area.left * perX)
  const top = Math.round(area.top * perY)
  const w = Math.max(1, Math.min(picture.width - left, Math.round(area.width * perX)))
  const h = Math.max(1, Math.min(picture.height - top, Math.round(area.height * perY)))
  const inside = resizeBilinear(data, width, height, w, h)
  const out = new Float32Array(picture.width * picture.height).fill(Number.NaN)
  for (let y = 0; y < h; y++) out.set(inside.subarray(y * w, (y + 1) * w), (top + y) * picture.width + left)
  return out
}

function errorMap(
  truth: DepthImage,
  predicted: DepthImage,
  { image }: JudgedFrame['frame'],
  protocol: Protocol,
): DepthImage {
  const size = protocol.truthSize ?? image
  const box = measuredBox(protocol, size.width, size.height)
  const { width, height } = truth
  const { minimum, cap } = protocol
  const data = new Float32Array(width * height)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [atX, atY] = [((x + 0.5) * size.width) / width, ((y + 0.5) * size.height) / height]
      if (atX < box.left || atX > box.right || atY < box.top || atY > box.bottom) continue
      const i = y * width + x
      const g = truth.data[i]
      // Slightly above 0, which would be "no measurement".
      if (g > minimum && g < cap) data[i] = Math.max(Math.abs(predicted.data[i] - g) / g, 1e-6)
    }
  return { width, height, data }
}
