/**
 * Models side by side on the held-out frames of every set and on rooms of a seed that no run uses, the whole image, without alignment:
 * the first table of a model card, and what decides whether a run's end, or a mean of weights, is better than what ships.
 *
 *     npx tsx scripts/holdouts.ts --data DIR [--rooms 40] [--limit N] [--threads 1] MODEL…
 *
 * DATA holds the sets of src/data/real-splits.ts. For each set and model: abs_rel, d1, silog, boundary_f1, the mean of
 * median(truth) / median(prediction), and what sigma is worth: its mean share of the depth, how many pixels lie within one of it (68 % if
 * it were the deviation of a normal error), and the area by which removing the least certain pixels first beats removing any (AURG, of abs_rel).
 */
import { parseArgs } from 'node:util'
import { type Evaluation, evaluate, modelPredictor, type Predictor } from '../src/eval/index.ts'
import { INDOOR_RANGE, type Protocol } from '../src/eval/protocol.ts'
import { loadModel } from '../src/node/index.ts'
import { DarError, messageOf } from '../src/support/errors.ts'
import { table } from './card/report.ts'
import { openHoldOuts } from './card/sets.ts'

const WHOLE: Protocol = { region: 'full', ...INDOOR_RANGE, alignment: 'none' }
const HEADER = 'set, images, model, abs_rel, d1, silog, boundary_f1, scale, sigma / depth, within sigma, AURG'.split(
  ', ',
)

function readOptions() {
  const { values, positionals } = parseArgs({
    options: {
      data: { type: 'string' },
      rooms: { type: 'string', default: '40' },
      limit: { type: 'string' },
      threads: { type: 'string' },
    },
    allowPositionals: true,
  })
  if (!values.data) throw new DarError('--data is missing; name the folder that holds the sets of real-splits.ts')
  if (positionals.length === 0) throw new DarError('name a model, or several')
  const whole = (name: string, text: string | undefined, least: number) => {
    if (text === undefined) return undefined
    const number = Number(text)
    if (!Number.isInteger(number) || number < least)
      throw new DarError(`--${name} is ${text}; give a whole number, at least ${least}`)
    return number
  }
  return {
    data: values.data,
    models: positionals,
    rooms: whole('rooms', values.rooms, 0),
    limit: whole('limit', values.limit, 1),
    threads: whole('threads', values.threads, 1),
  }
}

/** The predictor, and the mean of σ / D over all cells of σ that it has predicted, D read at their middle. */
function watchingSigma(predict: Predictor): { readonly predict: Predictor; readonly share: () => number } {
  let [sum, count] = [0, 0]
  return {
    predict: async (frame) => {
      const prediction = await predict(frame)
      const { sigma } = prediction
      if (!sigma) return prediction
      for (let y = 0; y < sigma.height; y++) {
        const row = Math.floor(((y + 0.5) * prediction.height) / sigma.height) * prediction.width
        for (let x = 0; x < sigma.width; x++) {
          const depth = prediction.data[row + Math.floor(((x + 0.5) * prediction.width) / sigma.width)]
          sum += sigma.data[y * sigma.width + x] / depth
        }
      }
      count += sigma.data.length
      return prediction
    },
    share: () => sum / count,
  }
}

function cells({ metrics, medianScale, calibration }: Evaluation, share: number): string[] {
  const { abs_rel, d1, silog, boundary_f1 } = metrics
  const sigma = calibration
    ? [share.toFixed(2), `${(100 * calibration.within_1sigma).toFixed(0)} %`, calibration.aurg_abs_rel.toFixed(4)]
    : ['', '', '']
  const error = [abs_rel.toFixed(3), d1.toFixed(3), silog.toFixed(1), boundary_f1.toFixed(3), medianScale.toFixed(2)]
  return [...error, ...sigma]
}

async function main(): Promise<void> {
  const { data, models, rooms, limit, threads } = readOptions()
  const sets = await openHoldOuts(data, { rooms, limit })
  const rows: string[][] = []
  for (const name of models) {
    await using model = await loadModel(name, { threads })
    for (const [set, frames] of sets) {
      const { predict, share } = watchingSigma(modelPredictor(model, { steps: false }))
      const [evaluation] = await evaluate(frames, predict, { protocols: [WHOLE] })
      rows.push([set, `${evaluation.images}`, name, ...cells(evaluation, share())])
    }
  }
  const order = [...sets.keys()]
  rows.sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
  console.log(table(HEADER, rows))
}

try {
  await main()
} catch (error) {
  if (!(error instanceof DarError)) throw error
  console.error(`holdouts: ${messageOf(error)}`)
  process.exitCode = 1
}
