/**
 * `dar init PRESET`: a model file before any training. Its encoder (and neck and head where they fit) comes from
 * pretrained weights, the rest is initialised. Reading is in src/pretrained, writing in src/train/initial-model.ts.
 * This file has the flags and prints the report of what was loaded, skipped, resized and left.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { type DarConfig, DEPTH_ANYTHING, PRESETS, parseConfig } from '../model/index.ts'
import { openPretrained, PARTS, type Part, reportOf, reportText } from '../pretrained/index.ts'
import { DarError, messageOf } from '../support/errors.ts'
import { printable } from '../support/printable.ts'
import { createProgress } from '../support/progress.ts'
import { readTextFile } from '../support/read-file.ts'
import { layoutOfModel, writeInitialModel } from '../train/index.ts'
import { ENCODER_HELP, encoderPath } from './encoder-flag.ts'
import { wholeAtLeast0 } from './flag-values.ts'

interface Flags {
  readonly out: string
  readonly encoder?: string
  readonly parts: string
  readonly seed: string
  readonly offline?: boolean
  readonly json?: boolean
}

const HELP = `
Presets  ${Object.keys(PRESETS).join(', ')};
         depth-anything-{v1,v2,v2-metric-indoor,v2-metric-outdoor}-{small,base,large}, for Depth Anything's own weights.
Weights  DINOv2's own names, timm's, Hugging Face's Dinov2Model and DepthAnythingForDepthEstimation, Depth Anything's own, ours.
         Positions of another grid are resized. A file that would give other features than it was trained for is refused.
Hub      Downloads are resumed, checked and kept in $DAR_CACHE/hub, else in the Hub's own cache; HF_TOKEN for gated ones.

  $ dar init dar-lite --encoder hub:facebook/dinov2-small -o lite.safetensors
  $ dar init depth-anything-v2-small --encoder hub:depth-anything/Depth-Anything-V2-Small-hf -o small.safetensors`

export function registerInit(program: Command): void {
  program
    .command('init')
    .description('a model file to start from: pretrained encoder, the rest initialised')
    .argument('<preset>', 'a preset, or a .json file with a config')
    .requiredOption('-o, --out <file>', 'the model file; without .safetensors a folder for model.safetensors')
    .option('--encoder <file>', ENCODER_HELP)
    .option('--parts <list>', 'what to take of it, where it is there', PARTS.join(','))
    .option('--seed <n>', 'of what is initialised', '0')
    .option('--offline', 'use the network for nothing (as HF_HUB_OFFLINE=1)')
    .option('--json', 'print one JSON document instead of lines')
    .addHelpText('after', HELP)
    .action(action)
}

async function action(preset: string, flags: Flags): Promise<void> {
  const config = await configOf(preset)
  const parts = partsOf(flags.parts)
  const seed = wholeAtLeast0('--seed', flags.seed)
  const out = flags.out.endsWith('.safetensors') ? flags.out : join(flags.out, 'model.safetensors')
  if (existsSync(out)) throw new DarError(`${out} exists; choose another --out, or remove it`)

  const { entries, length } = layoutOfModel(config)
  const targets = new Map(entries.map(({ name, shape }) => [name, shape]))
  const path = await encoderPath(flags)
  const pretrained = path === undefined ? null : await openPretrained(path, { config, targets, parts })
  const progress = createProgress({ label: 'MB', total: megabytes(4 * length), silent: flags.json })
  try {
    const report = pretrained && reportOf(pretrained.plan)
    if (report && !flags.json) console.log(printable(reportText(report)))
    const onProgress = (done: number) => progress.update(megabytes(done))
    const values = await writeInitialModel(out, config, { seed, pretrained, onProgress })
    progress.done()
    if (flags.json) console.log(JSON.stringify({ out, preset, seed, parameters: values, pretrained: report }))
    else console.log(`${printable(out)}: ${preset}, ${(values / 1e6).toFixed(1)} M parameters`)
  } finally {
    await pretrained?.[Symbol.asyncDispose]()
  }
}

const megabytes = (bytes: number) => Math.ceil(bytes / 1e6)

/** A preset by name, or the config in a JSON file. */
async function configOf(preset: string): Promise<DarConfig> {
  const known = { ...PRESETS, ...DEPTH_ANYTHING }
  if (Object.hasOwn(known, preset)) return known[preset]
  if (!preset.endsWith('.json'))
    throw new DarError(
      `there is no preset ${preset}; known are ${Object.keys(known).join(', ')}; or give a .json file with a config`,
    )
  const text = await readTextFile(preset)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new DarError(`${preset} is not JSON (${messageOf(error)})`)
  }
  return parseConfig(value, preset)
}

function partsOf(list: string): Part[] {
  return list.split(',').map((text) => {
    const part = PARTS.find((one) => one === text.trim())
    if (part === undefined) throw new DarError(`--parts ${list}: ${text} is none of ${PARTS.join(', ')}`)
    return part
  })
}
