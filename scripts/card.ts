/**
 * The figures of a model card: the model beside FastDepth, a constant and mean depth maps on the same held-out frames and
 * protocol, its steps, its worst frames, its latency.
 *
 *     npx tsx scripts/card.ts --data DIR --out DIR [--peers DIR] [--model NAME|FILE] [--rooms 40] [--limit N] [--published]
 *
 * DATA holds the sets of src/data/real-splits.ts; PEERS holds fastdepth.onnx. Without --model only the others are measured.
 * Writes figures.json, figures.md and one contact sheet a set, sheet-SET.png. The sheets of the real sets show frames whose
 * terms do not allow publication; those of `rooms` are free. --published repeats the published figures of FastDepth instead.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Frame } from '../src/data/index.ts'
import { type Evaluation, evaluate, modelPredictor, type Predictor } from '../src/eval/index.ts'
import { INDOOR_RANGE, type Protocol } from '../src/eval/protocol.ts'
import { loadModel } from '../src/node/index.ts'
import { encodePngRgb } from '../src/node/png16.ts'
import type { DepthModel } from '../src/predict/index.ts'
import { DarError, messageOf } from '../src/support/errors.ts'
import { writeFileAtomically } from '../src/support/files.ts'
import { createProgress } from '../src/support/progress.ts'
import { type FastDepth, loadFastDepth } from './card/fastdepth.ts'
import { type Latency, machine, measureLatency } from './card/latency.ts'
import { repeatPublished } from './card/published.ts'
import { find, type Judged, regionTable, type SetFigures, stepTable, table, worstFrames } from './card/report.ts'
import { type CardSet, openCardSets } from './card/sets.ts'
import { caseSheet } from './card/sheet.ts'

const PROTOCOLS: readonly Protocol[] = (['crop_native', 'full'] as const).flatMap((region) =>
  (['none', 'median'] as const).map((alignment) => ({ region, ...INDOOR_RANGE, alignment })),
)
/** The protocol under which the steps are judged. */
const STEP_PROTOCOLS = PROTOCOLS.filter(({ region, alignment }) => region === 'full' && alignment === 'none')
const PEER_PROTOCOLS = PROTOCOLS.filter(({ region }) => region === 'crop_native')

/** A predictor, and the protocols that it can be judged by. */
interface Contestant {
  readonly name: string
  readonly predict: Predictor
  readonly protocols: readonly Protocol[]
}

const say = (text: string) => process.stderr.write(`${text}\n`)

function readOptions() {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      out: { type: 'string' },
      peers: { type: 'string' },
      model: { type: 'string' },
      rooms: { type: 'string', default: '40' },
      limit: { type: 'string' },
      published: { type: 'boolean', default: false },
    },
  })
  const { data, out, peers, model, published } = values
  if (!data) throw new DarError('--data is missing; name the folder that holds the sets of real-splits.ts')
  if (!out) throw new DarError('--out is missing; name the folder to write the figures to')
  const count = (name: string, text: string) => {
    const number = Number(text)
    if (!Number.isInteger(number) || number < 0) throw new DarError(`--${name} is ${text}; give a whole number`)
    return number
  }
  const rooms = count('rooms', values.rooms)
  const limit = values.limit === undefined ? undefined : count('limit', values.limit)
  return { data, out, peers, model, published, rooms, limit }
}

/** The focal length in pixels that the model is given; none for an unknown camera. */
const focalOf = ({ intrinsics }: Frame) => (intrinsics ? Math.sqrt(intrinsics.fx * intrinsics.fy) : undefined)

async function judgeSet({ name, note, test }: CardSet, contestants: readonly Contestant[]): Promise<SetFigures> {
  const results: Judged[] = []
  for (const { name: predictor, predict, protocols } of contestants) {
    const progress = createProgress({ total: test.length, label: `${name}, ${predictor}` })
    try {
      const options = { protocols, stepProtocols: STEP_PROTOCOLS, onProgress: progress.update }
      results.push({ predictor, evaluations: await evaluate(test, predict, options) })
    } finally {
      progress.done()
    }
  }
  return { name, note, results }
}

/** The protocol under which the worst frames are found: the whole region that the predictor sees. */
function headline({ evaluations }: Judged): Evaluation {
  return find(evaluations, 'full', 'none') ?? evaluations[0]
}

function worstTable(sets: readonly SetFigures[]): string {
  const rows = sets.flatMap(({ name, results }) =>
    worstFrames(headline(results[0])).map(({ name: frame, metrics, medianScale }) => [
      name,
      frame,
      ...[metrics.abs_rel, metrics.rmse, metrics.d1, medianScale].map((value) => value.toFixed(3)),
    ]),
  )
  return table(['set', 'frame', 'abs_rel', 'rmse', 'd1', 'median scale'], rows)
}

function latencyTable(latencies: readonly Latency[]): string {
  const rows = latencies.map(({ predictor, size, runs, ...times }) => [
    predictor,
    size,
    ...[times.medianMs, times.minimumMs, times.maximumMs].map((ms) => ms.toFixed(1)),
    `${runs}`,
  ])
  return table(['predictor', 'image', 'median ms', 'min', 'max', 'runs'], rows)
}

async function card(model: DepthModel | null, fastDepth: FastDepth | null, options: ReturnType<typeof readOptions>) {
  const { out, data, rooms, limit } = options
  const { sets, constants } = await openCardSets(data, { rooms, limit, onRead: say })
  const networks: Contestant[] = []
  if (model) networks.push({ name: model.name, predict: modelPredictor(model), protocols: PROTOCOLS })
  if (fastDepth)
    networks.push({ name: 'FastDepth', predict: ({ image }) => fastDepth.predict(image), protocols: PEER_PROTOCOLS })

  const timed = new Map<string, (frame: Frame) => Promise<unknown>>()
  if (model) timed.set(model.name, (frame) => model.predict(frame.image, { focal: focalOf(frame) }))
  if (fastDepth) timed.set('FastDepth', ({ image }) => fastDepth.predict(image))
  const latency: Latency[] = []
  const runs = limit === undefined ? { runs: 20, warmUp: 3 } : { runs: 3, warmUp: 1 }
  for (const { name, test } of sets) {
    say(`${name}: latency on its first frame`)
    latency.push(...(await measureLatency(timed, await test.get(0), runs)))
  }

  const figures: SetFigures[] = []
  for (const set of sets) {
    const trivial = [...set.baselines].map(([name, predict]) => ({ name, predict, protocols: PROTOCOLS }))
    const contestants = [...networks, ...trivial]
    const judged = await judgeSet(set, contestants)
    figures.push(judged)
    const { frames } = headline(judged.results[0])
    const sheet = await caseSheet(set.test, contestants[0].predict, frames, `${contestants[0].name} on ${set.name}`)
    await writeFileAtomically(join(out, `sheet-${set.name}.png`), await encodePngRgb(sheet))
  }

  const first = figures[0].results[0].predictor
  const steps = model && stepTable(figures, model.name)
  const { cpu, threads, node } = machine()
  const sections = [
    '## Centre box, beside FastDepth',
    regionTable(figures, 'crop_native'),
    '## Whole image',
    regionTable(figures, 'full'),
    ...(steps ? [`## Steps of ${first}`, steps] : []),
    `## Worst frames of ${first}`,
    worstTable(figures),
    '## Time for one image, pixels to metres',
    `${cpu}, ${threads} threads, Node ${node}; decoding excluded, predictors in turn on the first frame of each set.`,
    latencyTable(latency),
    '## Frames',
    figures.map(({ name, note }) => `- ${name}: ${note}`).join('\n'),
    `Constants and mean maps come from the training frames of the same sets${limit === undefined ? '' : `; a quick look at ${limit} frames of each, not for a card`}.`,
  ]
  const markdown = `${sections.join('\n\n')}\n`
  const json = {
    machine: machine(),
    model: model && { name: model.name, size: model.size },
    constants,
    latency,
    sets: figures,
  }
  await writeFileAtomically(join(out, 'figures.json'), `${JSON.stringify(json, null, 1)}\n`)
  await writeFileAtomically(join(out, 'figures.md'), markdown)
  process.stdout.write(markdown)
}

async function main(): Promise<void> {
  const options = readOptions()
  const { data, out, peers, model: name, published } = options
  await mkdir(out, { recursive: true })
  const fastDepth = peers === undefined ? null : await loadFastDepth(peers)
  try {
    if (published) {
      if (!fastDepth || peers === undefined)
        throw new DarError('--published needs --peers; name the folder of fastdepth.onnx')
      const markdown = await repeatPublished(data, peers, ({ image }) => fastDepth.predict(image), say)
      await writeFileAtomically(join(out, 'published.md'), `${markdown}\n`)
      process.stdout.write(`${markdown}\n`)
      return
    }
    const model = name === undefined ? null : await loadModel(name)
    try {
      await card(model, fastDepth, options)
    } finally {
      await model?.dispose()
    }
  } finally {
    await fastDepth?.dispose()
  }
}

try {
  await main()
} catch (error) {
  if (!(error instanceof DarError) && !(error instanceof TypeError && 'code' in error)) throw error
  say(`card: ${messageOf(error)}`)
  process.exitCode = 1
}
