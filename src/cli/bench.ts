/**
 * `dar bench PRESET`: one prediction with a preset at random weights, in a process of its own. Prints its memory and
 * time on this machine beside what `dar info` says. The weights file is written for the measurement and removed
 * afterwards. It is mapped, not read, so that dar-large (8 GB) runs on a machine with 24 GB.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { measurePrediction, modelInfo, writeRandomModel } from '../inspect/index.ts'
import { type DarConfig, PRESETS } from '../model/index.ts'
import { PRESET_SIZE, presetNamed } from '../node/index.ts'
import { parseSize, type Size } from '../predict/index.ts'
import { DarError } from '../support/errors.ts'
import { createProgress, type Progress } from '../support/progress.ts'
import { type DeviceFlags, deviceOption } from './device-flag.ts'
import { wholeAbove0 } from './flag-values.ts'

interface Flags extends DeviceFlags {
  readonly size: string
  readonly runs: string
  readonly threads?: string
  readonly temp: string
  readonly json?: boolean
}

const NAMES = Object.keys(PRESETS).join(', ')

export function registerBench(program: Command): void {
  program
    .command('bench')
    .description('memory and time of one prediction with a preset at random weights')
    .argument('<preset>', NAMES)
    .option('--size <WxH>', 'pixels of the network', `${PRESET_SIZE.width}x${PRESET_SIZE.height}`)
    .option('--runs <n>', 'predictions; the fastest counts', '1')
    .option('--threads <n>', 'threads of the engine (default: all cores)')
    .addOption(deviceOption())
    .option('--temp <dir>', 'folder for the weights, which take up to 8 GB and are removed afterwards', tmpdir())
    .option('--json', 'print one JSON document instead of lines')
    .addHelpText('after', '\nMemory is the peak of a process that does nothing else, mapped weights included.')
    .action(action)
}

async function action(name: string, flags: Flags): Promise<void> {
  const preset = presetNamed(name)
  if (!preset) throw new DarError(`there is no preset '${name}': give one of ${NAMES}`)
  const size = parseSize(flags.size, '--size')
  const runs = wholeAbove0('--runs', flags.runs)
  const threads = wholeAbove0('--threads', flags.threads)
  const predicted = modelInfo(preset.config, { size })
  const folder = await makeFolder(flags.temp)
  // An interrupted measurement must not leave gigabytes on disk.
  const signals = new AbortController()
  const stop = () => signals.abort(new DarError('interrupted; the weights are removed'))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  try {
    const path = join(folder, `${preset.name}.safetensors`)
    const bytes = await writeWeights(path, preset.config, { size, silent: flags.json ?? false, signal: signals.signal })
    const measured = await measurePrediction({
      model: path,
      size,
      threads,
      provider: flags.device,
      runs,
      signal: signals.signal,
    })
    const { peakBytes, networkSize, milliseconds, range } = measured
    const memory = { peak: peakBytes, predicted: predicted.memory.predict, weights: bytes }
    const document = { model: preset.name, networkSize, flops: predicted.flops.total, memory, milliseconds, range }
    process.stdout.write(flags.json ? `${JSON.stringify(document, null, 2)}\n` : textOf(document))
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
    await rm(folder, { recursive: true, force: true })
  }
}

async function writeWeights(
  path: string,
  config: DarConfig,
  { size, silent, signal }: { readonly size: Size; readonly silent: boolean; readonly signal: AbortSignal },
): Promise<number> {
  const shown: { progress?: Progress } = {}
  const onProgress = (done: number, total: number) => {
    signal.throwIfAborted()
    shown.progress ??= createProgress({ total: Math.round(total / 1e6), label: 'MB of random weights', silent })
    shown.progress.update(Math.round(done / 1e6))
  }
  try {
    return await writeRandomModel(path, config, { size, onProgress })
  } finally {
    shown.progress?.done()
  }
}

async function makeFolder(parent: string): Promise<string> {
  try {
    return await mkdtemp(join(parent, 'dar-bench-'))
  } catch {
    throw new DarError(`--temp ${parent}: the weights cannot be written there; name a folder that you may write to`, {
      kind: 'output',
    })
  }
}

interface Document {
  readonly model: string
  readonly networkSize: Size
  readonly flops: number
  /** Bytes. */
  readonly memory: { readonly peak: number; readonly predicted: number; readonly weights: number }
  readonly milliseconds: { readonly open: number; readonly compile: number; readonly run: number }
}

function textOf({ model, networkSize, flops, memory, milliseconds }: Document): string {
  const megabytes = (bytes: number) => `${Math.round(bytes / 1e6).toLocaleString('en-US')} MB`
  const seconds = (ms: number) => `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`
  const off = Math.round(100 * (memory.predicted / memory.peak - 1))
  return [
    `${model} at ${networkSize.width}×${networkSize.height}, random weights (${megabytes(memory.weights)}, mapped above 67 MB)`,
    `  peak memory   ${megabytes(memory.peak)}; dar info says ${megabytes(memory.predicted)} (${off < 0 ? '−' : '+'}${Math.abs(off)} %)`,
    `  compile       ${seconds(milliseconds.compile)}`,
    `  network       ${seconds(milliseconds.run)}, ${(flops / milliseconds.run / 1e6).toFixed(0)} GFLOP/s`,
    '',
  ].join('\n')
}
