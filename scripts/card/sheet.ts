/**
 * Shows the range of quality: the photo, the measured depth, the predicted depth and the relative error of the best,
 * the median and the worst frame of a set. All scales are fixed, so that sheets can be compared.
 */
import type { Dataset, Frame } from '../../src/data/types.ts'
import type { FrameFigures, Prediction, Predictor } from '../../src/eval/index.ts'
import {
  type Cell,
  colourise,
  contactSheet,
  type DepthImage,
  type RgbImage,
  resizeBilinear,
  resizeNearestDepth,
  withLegend,
} from '../../src/image/index.ts'
import { assert } from '../../src/support/errors.ts'

const WORST_ERROR = 0.5
/** Depth of the pictures, in metres: indoor scenes. */
const RANGE = { near: 0.5, far: 8 }

/** Four pictures a row: best, median and worst frame by abs_rel. `frames`: figures of the same predictor on the set. */
export async function caseSheet(
  dataset: Dataset,
  predict: Predictor,
  frames: readonly FrameFigures[],
  title: string,
): Promise<RgbImage> {
  const ranked = frames.toSorted((a, b) => a.metrics.abs_rel - b.metrics.abs_rel)
  const cases = { best: ranked[0], median: ranked[ranked.length >> 1], worst: ranked[ranked.length - 1] }
  const wanted = new Map(Object.entries(cases).map(([label, figures]) => [label, figures.name]))
  const cells = new Map<string, Cell[]>()
  for await (const frame of dataset)
    for (const [label, figures] of Object.entries(cases))
      if (wanted.get(label) === frame.name) cells.set(label, caseCells(frame, await predict(frame), label, figures))
  const sheet = contactSheet(
    [...wanted.keys()].flatMap((label) => cells.get(label) ?? []),
    { columns: 4, cellWidth: 320 },
  )
  return withLegend(sheet, { ...RANGE, title })
}

function caseCells(frame: Frame, prediction: Prediction, label: string, { metrics }: FrameFigures): Cell[] {
  const { image, depth: truth } = frame
  assert(truth, 'judged frames have depth')
  const measured = resizeNearestDepth(truth, image.width, image.height)
  const predicted = overImage(prediction, image)
  const error: DepthImage = {
    ...measured,
    data: measured.data.map((g, i) =>
      // Slightly above 0, because 0 means "no measurement".
      g > 0 && predicted.data[i] > 0 ? Math.max(Math.abs(predicted.data[i] - g) / g, 1e-6) : 0,
    ),
  }
  const errorScale = { map: 'inferno', near: 0, far: WORST_ERROR, scale: 'linear', warm: 'far' } as const
  return [
    { image, caption: `${label}: ${frame.name}` },
    { image: colourise(measured, RANGE), caption: 'measured' },
    {
      image: colourise(predicted, RANGE),
      caption: `predicted: abs_rel ${metrics.abs_rel.toFixed(3)}, d1 ${metrics.d1.toFixed(3)}`,
    },
    { image: colourise(error, errorScale), caption: `error: black 0, yellow ${100 * WORST_ERROR} % of the distance` },
  ]
}

/** A prediction at the image's size; NaN where it covers nothing. Its edges are drawn at the nearest pixel's. */
function overImage({ data, width, height, covers }: Prediction, image: RgbImage): DepthImage {
  const area = covers ?? { left: 0, top: 0, width: image.width, height: image.height }
  const [left, top] = [Math.round(area.left), Math.round(area.top)]
  const box = {
    left,
    top,
    width: Math.round(area.left + area.width) - left,
    height: Math.round(area.top + area.height) - top,
  }
  const inside = resizeBilinear(data, width, height, box.width, box.height)
  const out = new Float32Array(image.width * image.height).fill(Number.NaN)
  for (let y = 0; y < box.height; y++)
    out.set(inside.subarray(y * box.width, (y + 1) * box.width), (box.top + y) * image.width + box.left)
  return { width: image.width, height: image.height, data: out }
}
