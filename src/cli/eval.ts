/**
 * `dar eval`: figures of a model, or of another program's depth maps, on a data set under a named protocol. Also
 * compares two such runs and tests the difference. The work is in src/eval; this file has the flags and the printing.
 */

import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { subsetOf } from '../data/named.ts'
import {
  ALIGNMENTS,
  type Comparison,
  collectCases,
  compare,
  type Evaluation,
  encodeCsv,
  encodeRecord,
  evaluate,
  FIGURES,
  htmlReport,
  loadProtocol,
  modelPredictor,
  PROTOCOL_NAMES,
  type PredictionFolder,
  type Predictor,
  type Protocol,
  parseAlignment,
  parseProtocol,
  predictionFolder,
  protocolText,
  readRecord,
  type Subject,
} from '../eval/index.ts'
import { loadModel, modelHash } from '../node/index.ts'
import { DarError } from '../support/errors.ts'
import { writeFileAtomically } from '../support/files.ts'
import { printable } from '../support/printable.ts'
import { createProgress } from '../support/progress.ts'
import { type DeviceFlags, deviceOption } from './device-flag.ts'
import { type EvalData, isRooms, openEvalData, SIDES, type Side } from './eval-data.ts'
import { above0, wholeAbove0 } from './flag-values.ts'

interface Flags extends DeviceFlags {
  readonly data?: string
  readonly protocol: string
  readonly model?: string
  readonly predictions?: string
  readonly scale?: string
  readonly inverse?: boolean
  readonly split?: Side
  readonly recipe?: string
  readonly list?: string
  readonly depthScale?: string
  readonly limit?: string
  readonly align?: string
  readonly cap?: string
  readonly steps: boolean
  readonly batch: string
  readonly threads?: string
  /** A file, or true for standard output. */
  readonly json?: string | true
  readonly csv?: string
  readonly report?: string
  readonly compare?: readonly string[]
}

const HELP = `
Protocols: ${PROTOCOL_NAMES.join(', ')}, or a JSON file with
  region, minimum, cap, alignment and, where they differ from the default, input, regionOf, halves, flip, truthSize,
  resize, averaging. Everything that a figure depends on is printed beside it.

Figures: d1, d2, d3 are shares of pixels within 1.25, 1.25² and 1.25³ of the truth (more is better); abs_rel, sq_rel, rmse (metres),
  rmse_log, log10 and silog are errors. boundary_f1 says whether depth edges are where the truth has them, 0 to 1, whatever
  the scale; boundary_f1_holes also asks for edges beside holes of the sensor, of up to 8 pixels. D1, D2, … are the maps after each step.

Frames that the model was trained on: where a hold-out of the data is known (the recipe's that the model names, or --recipe), only the
  frames held out are scored. --split all takes the others too, and marks the figures.

Predictions of another program: 16-bit PNG, .npy or .npz, metres unless --scale says otherwise, named as the frames are, or what
  dar predict wrote; frames without one are left out. They are scored as they are: windows and flips are for whoever predicts.

Examples:
  $ dar eval --data rooms --model dar-nano
  $ dar eval --data data/kitchen --split test --protocol indoor --report kitchen.html --json a.json
  $ dar eval --data nyu_depth_v2_labeled.mat --split test --protocol nyu-eigen --predictions maps --scale 1000
  $ dar eval --compare a.json b.json`

export function registerEval(program: Command): void {
  program
    .command('eval')
    .description('figures of a model or of predicted depth maps on a data set, under a named protocol')
    .option('--data <path>', 'a data set in any layout that dar reads, or "rooms" for procedural ones')
    .option('--protocol <name|file>', 'how to measure', 'indoor')
    .option('--model <name|file>', 'a shipped model, or a .safetensors file (default: dar-nano)')
    .addOption(new Option('--predictions <dir>', 'score these depth maps instead').conflicts('model'))
    .option('--scale <units>', 'units per metre of the predictions (default: 1000 for PNG, 1 for arrays)')
    .option('--inverse', 'the predictions are inverse depth (disparity)')
    .addOption(
      new Option(
        '--split <side>',
        'one side of a hold-out (default: test, where the recipe of the model has one for the data)',
      ).choices(SIDES),
    )
    .option('--recipe <name|file>', 'whose hold-outs folders have (default: the recipe that the model names)')
    .option('--list <file>', 'a split file: image, depth and focal length a line')
    .option('--depth-scale <units>', 'units per metre of the ground truth, where the layout leaves it open')
    .option('--limit <n>', 'only the first n frames')
    .addOption(new Option('--align <kind>', 'another alignment than the protocol’s').choices(ALIGNMENTS))
    .option('--cap <m>', 'another cap than the protocol’s, metres')
    .option('--no-steps', 'do not judge the coarse-to-fine maps')
    .option('--batch <n>', 'images that the network takes at once; more than 1 is worth it with several threads', '4')
    .option('--threads <n>', 'threads of the engine (default: all cores)')
    .addOption(deviceOption())
    .option('--json [file]', 'write everything, for --compare; without a file print it instead of lines')
    .option('--csv <file>', 'write a row per image')
    .option('--report <file>', 'write a page to look at (HTML)')
    .option('--compare <records...>', 'two files of --json: paired differences, second minus first')
    .addHelpText('after', HELP)
    .action((flags: Flags) => (flags.compare ? compareRecords(flags.compare, flags) : evalData(flags)))
}

async function evalData(flags: Flags): Promise<void> {
  const { data: path, json, csv, report } = flags
  if (path === undefined) throw new DarError('--data is missing; name a data set, or "rooms"')
  const protocol = await protocolOf(flags)
  const data = await openEvalData(path, {
    split: flags.split,
    recipe: flags.recipe,
    model: flags.predictions === undefined ? (flags.model ?? 'dar-nano') : undefined,
    list: flags.list,
    depthScale: above0('--depth-scale', flags.depthScale),
    limit: wholeAbove0('--limit', flags.limit),
  })
  await using contestant = await contestantOf(flags, protocol)
  const { dataset, split } = contestant.within(data)
  const cases = report === undefined ? null : collectCases()
  const progress = createProgress({ total: dataset.length, label: 'images' })
  let evaluation: Evaluation
  try {
    ;[evaluation] = await evaluate(dataset, contestant.predict, {
      protocols: [protocol],
      input: contestant.input,
      batch: contestant.batch,
      onProgress: progress.update,
      onJudged: cases?.collect,
    })
  } finally {
    progress.done()
  }
  const subject: Subject = {
    data: { path: isRooms(path) ? path : resolve(path), name: dataset.name, split, trainedOn: data.trainedOn },
    ...contestant.subject,
  }
  await writeJson(json, () => encodeRecord(evaluation, subject))
  if (csv !== undefined) await writeFileAtomically(csv, encodeCsv(evaluation))
  if (report !== undefined) await writeFileAtomically(report, await htmlReport(evaluation, subject, cases))
  if (json !== true) process.stdout.write(printable(evaluationText(evaluation, subject)))
}

/** What `--json` asks for: a file, standard output, or nothing. */
async function writeJson(json: Flags['json'], text: () => string): Promise<void> {
  if (json === true) process.stdout.write(text())
  else if (json !== undefined) await writeFileAtomically(json, text())
}

/** The named protocol with the changes of the flags. Its name then says that it was changed. */
async function protocolOf({ protocol: name, align, cap: capText }: Flags): Promise<Protocol> {
  const protocol = await loadProtocol(name)
  const cap = above0('--cap', capText)
  if (align === undefined && cap === undefined) return protocol
  const changed = {
    ...protocol,
    ...(align !== undefined && { alignment: parseAlignment(align) }),
    ...(cap !== undefined && { cap }),
  }
  return parseProtocol({ ...changed, ...(protocol.name && { name: `${protocol.name} (changed)` }) }, name)
}

interface Contestant extends AsyncDisposable {
  readonly predict: Predictor
  readonly input: 'protocol' | 'given'
  readonly batch: number
  readonly subject: Pick<Subject, 'model' | 'predictions'>
  /** The frames that it can be judged on. */
  within(data: EvalData): Pick<EvalData, 'dataset' | 'split'>
}

async function contestantOf(flags: Flags, protocol: Protocol): Promise<Contestant> {
  const { predictions: folder, model: name = 'dar-nano', inverse = false, steps } = flags
  const scale = above0('--scale', flags.scale)
  if (folder !== undefined) {
    const maps = await predictionFolder(folder, { scale, kind: inverse ? 'inverse' : 'depth' })
    return {
      predict: maps.predictor(protocol),
      input: 'given',
      batch: 1,
      subject: { model: null, predictions: { path: resolve(folder), scale: scale ?? null } },
      within: (data) => predictedPart(data, maps),
      [Symbol.asyncDispose]: async () => {},
    }
  }
  if (scale !== undefined || inverse) throw new DarError('--scale and --inverse are for --predictions; leave them out')
  const sha256 = await modelHash(name)
  const batch = wholeAbove0('--batch', flags.batch)
  // The evaluator works beside the network. A spinning engine thread would take its core.
  const threads = wholeAbove0('--threads', flags.threads)
  const model = await loadModel(name, { threads, device: flags.device, idle: 'sleep', batch })
  return {
    predict: modelPredictor(model, { steps, maps: protocol.resize === 'none' ? 'image' : 'network' }),
    input: 'protocol',
    batch: model.batch,
    subject: { model: { name: model.name, sha256 }, predictions: null },
    within: (data) => data,
    [Symbol.asyncDispose]: () => model.dispose(),
  }
}

/** A part of a set scores as itself, and says so wherever its figures stand. */
function predictedPart(data: EvalData, maps: PredictionFolder): Pick<EvalData, 'dataset' | 'split'> {
  const { named, split } = data
  if (!named) return data
  const found = maps.found(named.names)
  if (found.length === named.length) return data
  const part = `the ${found.length} of ${named.length} frames that have a prediction`
  return { dataset: subsetOf(named, found), split: split === null ? part : `${split}, ${part}` }
}

function evaluationText(evaluation: Evaluation, subject: Subject): string {
  const { images, pixels, empty, metrics, steps, medianScale, bad, calibration, protocol } = evaluation
  const { data, model, predictions } = subject
  const split = data.split === null ? '' : ` (${data.split})`
  const trained = data.trainedOn ?? 0
  // A reader of one line must not take it for a figure of unseen frames.
  const seen = trained > 0 ? ' (seen in training)' : ''
  const left =
    empty.length > 0
      ? `, ${empty.length} left out without a valid pixel (${empty.slice(0, 3).join(', ')}${empty.length > 3 ? ', …' : ''})`
      : ''
  const lines = [
    `${data.name}${split}: ${images} images, ${pixels} pixels${left}`,
    ...(trained > 0
      ? [
          `${trained} of these frames are ones that the model was trained on: its figures on unseen ones are worse, see --split test`,
        ]
      : []),
    `protocol: ${protocolText(protocol, subject)}`,
    model ? `model: ${model.name}, sha256 ${model.sha256.slice(0, 16)}` : `predictions: ${predictions?.path}`,
    '',
    ...table(
      ['', ...FIGURES],
      [
        ...steps.map((step, k) => [
          `D${k + 1}${seen}`,
          ...FIGURES.map((name) => figureText(name, name in step ? step[name as keyof typeof step] : undefined)),
        ]),
        [`output${seen}`, ...FIGURES.map((name) => figureText(name, metrics[name]))],
      ],
    ),
    '',
    `median(truth) / median(prediction): ${medianScale.toFixed(3)}`,
  ]
  if (calibration)
    lines.push(
      `sigma: AUSE ${calibration.ause_abs_rel.toFixed(4)} (abs_rel), ${calibration.ause_rmse.toFixed(4)} (rmse); ` +
        `errors within 1 sigma ${percent(calibration.within_1sigma)} (68.3 % if normal), 2 sigma ${percent(calibration.within_2sigma)} (95.4 %)`,
    )
  if (bad.images > 0)
    lines.push(
      `predictions that are no depth, in ${bad.images} images: ${bad.nan} NaN, ${bad.infinite} infinite, ${bad.negative} zero or negative pixels; they count, clamped`,
    )
  return `${lines.join('\n')}\n`
}

async function compareRecords(paths: readonly string[], { json }: Flags): Promise<void> {
  if (paths.length !== 2) throw new DarError(`--compare got ${paths.length} files; give two that dar eval --json wrote`)
  const [a, b] = await Promise.all(paths.map(readRecord))
  const comparison = compare(a, b)
  const isSame = a.model !== null && a.model.sha256 === b.model?.sha256
  await writeJson(json, () => `${JSON.stringify(comparison, null, 1)}\n`)
  if (json !== true) process.stdout.write(printable(comparisonText(comparison, paths, { isSame })))
}

function comparisonText(
  { protocol, images, onlyA, onlyB, differences }: Comparison,
  [a, b]: readonly string[],
  { isSame }: { readonly isSame: boolean },
): string {
  const unpaired = onlyA + onlyB > 0 ? ` (left out: ${onlyA} only in A, ${onlyB} only in B)` : ''
  const signed = (value: number) => `${value >= 0 ? '+' : ''}${value.toFixed(4)}`
  const rows = differences.map(({ figure, a, b, difference, low, high, verdict }) => [
    figure,
    a.toFixed(4),
    b.toFixed(4),
    signed(difference),
    `${signed(low)} to ${signed(high)}`,
    verdict === 'undecided' ? '-' : `B ${verdict}`,
  ])
  return [
    `A: ${a}`,
    `B: ${b}`,
    `${images} images in both${unpaired}; protocol: ${protocol}`,
    ...(isSame ? ['Both are of the same model: what differs is rounding.'] : []),
    '',
    ...table(['', 'A', 'B', 'B - A', '95 % interval', ''], rows),
    '',
  ].join('\n')
}

const figureText = (name: string, value: number | undefined) => value?.toFixed(name === 'silog' ? 2 : 4) ?? ''
const percent = (share: number) => `${(100 * share).toFixed(1)} %`

/** Columns aligned: the first to the left, the others to the right. */
function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [header, ...rows]
  const widths = header.map((_, k) => Math.max(...all.map((row) => row[k].length)))
  return all.map((row) =>
    row
      .map((cell, k) => (k === 0 ? cell.padEnd(widths[k]) : cell.padStart(widths[k])))
      .join('  ')
      .trimEnd(),
  )
}
