/**
 * `dar trace`: every named intermediate of a model as a safetensors file, and with `--check` their comparison with the
 * reference's. The work is in src/inspect/trace.ts. Exit codes: 0; 1 when a tensor is out of tolerance or for a mistake.
 */

import { realpath } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { checkTrace, readTraceSource, TRACE_TOLERANCE, type TraceError, traceModel } from '../inspect/index.ts'
import { configText } from '../model/index.ts'
import { describeTree, pixelTree } from '../predict/index.ts'
import { Engine } from '../runtime/engine.ts'
import { writeWeights } from '../runtime/weights.ts'
import { DarError } from '../support/errors.ts'
import { type DeviceFlags, deviceOption } from './device-flag.ts'
import { above0, wholeAbove0 } from './flag-values.ts'
import { EXIT_MISTAKE } from './run.ts'

interface Flags extends DeviceFlags {
  readonly model?: string
  /** The former name of --model. */
  readonly weights?: string
  readonly input?: string
  readonly out?: string
  readonly loss?: boolean
  readonly check?: boolean
  readonly tolerance?: string
  readonly json?: boolean
  readonly pixel?: string
  readonly threads?: string
}

const HELP = `
Reads    the config from the metadata of --model (key "config", JSON), parameters as param/<name> or <name>,
         input/image or image (B,3,H,W, normalised) and input/depth or depth (B,1,H,W, metres, 0 = none).
Writes   trace/<name> for every intermediate; with --loss also loss, loss_terms and grad/<parameter>.
--check  compares with the trace/…, loss and grad/… of --input: max|Δ| / max|reference| of each tensor, the worst first.
         Tolerances: values ${TRACE_TOLERANCE.trace}, gradients ${TRACE_TOLERANCE.grad}, loss ${TRACE_TOLERANCE.loss}. The exit code is 1 beyond them.

--pixel  shows the tree of one pixel of the image: at each step the probability of every bin, the likeliest, depth and sigma.

A fixture of the reference is weights, input and reference at once:
  $ dar trace --model dar_paper.safetensors --loss --check`

export function registerTrace(program: Command): void {
  program
    .command('trace')
    .description('every intermediate of a model, to compare implementations')
    .option('--model <file>', 'a model file, or a fixture of the reference')
    .addOption(new Option('--weights <file>', 'the former name of --model').hideHelp().conflicts('model'))
    .option('--input <file>', 'image and depth as tensors (default: the file of --model)')
    .option('-o, --out <file>', 'where the tensors go; may be left out with --check')
    .option('--loss', 'also the loss and every gradient')
    .option('--check', 'compare with the reference that the input file holds')
    .option('--tolerance <x>', 'one tolerance for all tensors')
    .option('--pixel <x,y>', 'show the bins of this pixel, step by step')
    .option('--json', 'print one JSON document instead of lines')
    .option('--threads <n>', 'threads of the engine (default: all cores)')
    .addOption(deviceOption())
    .addHelpText('after', HELP)
    .action(action)
}

async function action(flags: Flags): Promise<void> {
  const { model: weights = flags.weights, out, loss, check } = flags
  if (weights === undefined) throw new DarError('--model is missing; give a model file')
  const { input = weights } = flags
  const tolerance = above0('--tolerance', flags.tolerance)
  const threads = wholeAbove0('--threads', flags.threads)
  if (tolerance !== undefined && !check) throw new DarError('--tolerance needs --check')
  const pixel = flags.pixel === undefined ? null : parsePixel(flags.pixel)
  if (out === undefined && !check && !pixel)
    throw new DarError('nothing to do: give --out FILE, --check or --pixel X,Y, or several of them')
  if (out !== undefined) await checkApart(out, [weights, input])
  const source = await readTraceSource(weights, input)
  await using engine = new Engine({ threads, provider: flags.device })
  const traced = await traceModel(engine, source, { loss })
  const [, , height, width] = source.image.shape
  const tree = pixel && pixelTree(traced, source.config, { ...pixel, width, height })
  const errors = check ? checkTrace(traced, source, { loss, tolerance }) : null
  if (out !== undefined) {
    const tensors = [...traced].map(([name, tensor]) => ({ name, ...tensor }))
    await writeWeights(out, tensors, { config: configText(source.config) })
  }
  if (flags.json) {
    const passed = errors?.every(({ ok }) => ok) ?? null
    console.log(JSON.stringify({ weights, input, out: out ?? null, tensors: traced.size, passed, errors, tree }))
  } else {
    if (errors) console.log(report(errors))
    if (tree) console.log(describeTree(tree))
    if (out !== undefined) console.log(`${out}: ${traced.size} tensors`)
  }
  if (errors?.some(({ ok }) => !ok)) process.exitCode = EXIT_MISTAKE
}

function parsePixel(text: string): { readonly x: number; readonly y: number } {
  const [, x, y] = /^(\d{1,6}),(\d{1,6})$/.exec(text) ?? []
  if (y === undefined) throw new DarError(`--pixel ${text.slice(0, 40)}: give column and row, for example 120,80`)
  return { x: Number(x), y: Number(y) }
}

/** The results must not replace what they were made of. */
async function checkApart(out: string, sources: readonly string[]): Promise<void> {
  const real = (path: string) => realpath(path).catch(() => null)
  const target = await real(out)
  for (const path of sources)
    if (target !== null && target === (await real(path)))
      throw new DarError(`--out ${out} would replace ${path}; give another name`)
}

/** A line per tensor, worst first, and a last line that sums up. */
function report(errors: readonly TraceError[]): string {
  const width = Math.max(...errors.map(({ name }) => name.length))
  const lines = errors.map(
    ({ name, error, tolerance, ok }) =>
      `${name.padEnd(width)}  ${error.toExponential(2)}${ok ? '' : `  beyond ${tolerance}`}`,
  )
  const failed = errors.filter(({ ok }) => !ok).length
  const verdict =
    failed === 0 ? `all ${errors.length} tensors agree` : `${failed} of ${errors.length} tensors are out of tolerance`
  return [...lines, verdict].join('\n')
}
