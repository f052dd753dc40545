/**
 * Images a second of a whole training step (forward, loss, backward, AdamW) beside PyTorch on the same model, batch and threads, and
 * the peak memory of both. Each is a process of its own; they take their steps in turn, so that both see the same machine;
 * only dar-small's, which need some 12 GB each, run one after the other.
 *
 * `DAR_REFERENCE` names a folder with `dar_reference.py`, an implementation in PyTorch of the same models; without it only this project
 * is measured. `DAR_PYTHON` is the Python that has `torch` (default /usr/bin/python3, Debian's python3-torch with OpenBLAS).
 * `DAR_BENCH_MODELS=nano,lite` takes some of the models only (`TRAIN_HELP`). The loader is measured alone: rooms read from files, as most training does.
 *
 * The reference knows no `halved` grids, no convex upsampling after `fine` and no norm before the tanh. nano is therefore compared without
 * them, and timed once more as it is.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createLoader } from '../src/data/index.ts'
import { flatConfig, PRESETS, parseConfig } from '../src/model/index.ts'
import { writeRooms } from '../src/train/testing.ts'
import { median, type Row } from './report.ts'
import type { StepCase } from './train-child.ts'

/** For `npm run bench -- train --help`. */
export const TRAIN_HELP = `One row at a time, on a machine that does nothing else (each takes some 2 to 10 minutes; no step begins after 8):

  DAR_REFERENCE=FOLDER DAR_BENCH_MODELS=nano  npm run bench -- train --json nano.json
  DAR_REFERENCE=FOLDER DAR_BENCH_MODELS=lite  npm run bench -- train --json lite.json
  DAR_REFERENCE=FOLDER DAR_BENCH_MODELS=small npm run bench -- train --json small.json

  DAR_REFERENCE     folder with dar_reference.py, the same models in PyTorch; without it only this project is measured
  DAR_PYTHON        the Python that has torch (default: /usr/bin/python3)
  DAR_BENCH_MODELS  nano (twice: as the reference has it, and as it is), lite, small, or several with commas; default: all
  DAR_BENCH_THREADS threads of both (default: 2)

lite and small are 280×224, since a ViT takes multiples of 14, small with a batch of 1. small needs some 12 GB for each of the two, one after the other.`

const THREADS = Number(process.env.DAR_BENCH_THREADS ?? 2)
const WARM_UP = 2
/** Milliseconds of a model after which no step begins: a row is then of the steps that were made. */
const LIMIT = 8 * 60_000
const TARGET = 1.5
const LOADER_TARGET = 3
const SIZE = { width: 288, height: 224 }
/** A ViT takes multiples of 14. */
const VIT_SIZE = { width: 280, height: 224 }

const NANO = flatConfig(PRESETS['dar-nano'])

interface Case {
  readonly name: string
  readonly config: StepCase['config']
  readonly size: typeof SIZE
  readonly batch: number
  readonly steps: number
  /** Whether the reference has all of it. */
  readonly known: boolean
  /** Whether the two are measured one after the other, because their memory together is more than a machine of 24 GB has. */
  readonly apart?: boolean
}

const CASES: readonly Case[] = [
  {
    name: 'nano, as far as the reference has it',
    config: flatConfig(parseConfig({ ...NANO, binGrid: 'memory', upsample: 'bilinear', hiddenNorm: false })),
    size: SIZE,
    batch: 4,
    steps: 15, // PyTorch's steps of it vary by a seventh from run to run
    known: true,
  },
  { name: 'nano', config: NANO, size: SIZE, batch: 4, steps: 5, known: false },
  { name: 'lite', config: flatConfig(PRESETS['dar-lite']), size: VIT_SIZE, batch: 2, steps: 5, known: true },
  {
    name: 'small',
    config: flatConfig(PRESETS['dar-small']),
    size: VIT_SIZE,
    batch: 1,
    steps: 3,
    known: true,
    apart: true,
  },
]

export async function benchTrain(): Promise<Row[]> {
  const wanted = process.env.DAR_BENCH_MODELS?.split(',')
  const rows: Row[] = []
  let nanoRate = 0
  for (const one of CASES) {
    if (wanted && !wanted.some((name) => one.name.startsWith(name))) continue
    const { ours, theirs } = await besidePyTorch(one)
    const label = `${one.name}, ${one.size.width}×${one.size.height}, batch ${one.batch}`
    rows.push({ name: `${label}: images a second`, value: ours.rate, unit: '/s' })
    rows.push({ name: '  peak memory', value: ours.megabytes, unit: 'MB' })
    if (theirs) {
      rows.push({ name: '  PyTorch: images a second', value: theirs.rate, unit: '/s' })
      rows.push({ name: '  PyTorch: peak memory', value: theirs.megabytes, unit: 'MB' })
      rows.push({ name: '  images a second / PyTorch', value: ours.rate / theirs.rate, unit: 'ratio', target: TARGET })
      rows.push({ name: '  PyTorch / peak memory', value: theirs.megabytes / ours.megabytes, unit: 'ratio' })
    }
    if (one.name === 'nano') nanoRate = ours.rate
  }
  const loader = await loaderRate()
  rows.push({ name: 'loader alone, one worker: images a second', value: loader, unit: '/s' })
  if (nanoRate > 0)
    rows.push({ name: '  loader / step of nano', value: loader / nanoRate, unit: 'ratio', target: LOADER_TARGET })
  return rows
}

interface Measured {
  /** Images a second, from the median step. */
  readonly rate: number
  readonly megabytes: number
}

async function besidePyTorch(one: Case): Promise<{ ours: Measured; theirs: Measured | null }> {
  const { config, size, batch, known, apart = false } = one
  const argument = JSON.stringify({ config, batch, threads: THREADS, ...size } satisfies StepCase)
  const script = (name: string) => fileURLToPath(new URL(name, import.meta.url))
  const { DAR_REFERENCE: folder, DAR_PYTHON: python = '/usr/bin/python3' } = process.env
  if (folder && !existsSync(join(folder, 'dar_reference.py')))
    throw new Error(`DAR_REFERENCE is ${folder}, which holds no dar_reference.py`)
  const ours = () => open(process.execPath, ['--import', 'tsx', script('./train-child.ts'), argument])
  const theirs = () => open(python, [script('./train_reference.py'), folder ?? '', argument])
  const isBeside = known && Boolean(folder)
  if (apart) {
    const [mine] = await inTurn(one, [ours])
    return { ours: mine, theirs: isBeside ? (await inTurn(one, [theirs]))[0] : null }
  }
  const [mine, other = null] = await inTurn(one, isBeside ? [ours, theirs] : [ours])
  return { ours: mine, theirs: other }
}

/** What takes its steps in turn sees the same machine. */
async function inTurn({ batch, steps }: Case, starts: readonly (() => Child)[]): Promise<Measured[]> {
  const children = starts.map((start) => start())
  const milliseconds: number[][] = children.map(() => [])
  const begin = performance.now()
  try {
    for (let i = 0; i < WARM_UP + steps; i++) {
      if (i > WARM_UP && performance.now() - begin > LIMIT) break
      for (const [k, child] of children.entries()) {
        const taken = await child.ask('step')
        if (i >= WARM_UP) milliseconds[k].push(taken)
      }
    }
    const measured: Measured[] = []
    for (const [k, child] of children.entries())
      measured.push({ rate: (1000 * batch) / median(milliseconds[k]), megabytes: await child.ask('memory') })
    return measured
  } finally {
    for (const child of children) child.end()
  }
}

/** A process that answers a line with a number: `step` with milliseconds, `memory` with its peak in MB. */
interface Child {
  ask(what: 'step' | 'memory'): Promise<number>
  end(): void
}

function open(command: string, args: readonly string[]): Child {
  const env = { ...process.env, OMP_NUM_THREADS: `${THREADS}`, OPENBLAS_NUM_THREADS: `${THREADS}` }
  const child: ChildProcess = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env })
  const { stdin, stdout } = child
  if (!stdin || !stdout) throw new Error(`${command} has no pipes`)
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]()
  return {
    async ask(what) {
      stdin.write(`${what}\n`)
      const { value, done } = await lines.next()
      if (done) throw new Error(`${command} ended before it answered ${what}`)
      return Number(value)
    },
    end: () => {
      child.kill()
    },
  }
}

/** Batches of files on disk, augmented, at the size of the steps. */
async function loaderRate({ batch = 8, batches = 24 } = {}): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'dar-bench-loader-'))
  try {
    await writeRooms(folder, { count: 24, width: 320, height: 240 })
    const options = { layout: 'folder' } as const
    const sources = [{ kind: 'dataset', root: folder, name: 'rooms', weight: 1, options }] as const
    const loader = createLoader({ sources, batch, ...SIZE, seed: 1, workers: 1 })
    for (let i = 0; i < 4; i++) await loader.next()
    const begin = performance.now()
    for (let i = 0; i < batches; i++) await loader.next()
    const seconds = (performance.now() - begin) / 1000
    await loader.dispose()
    return (batch * batches) / seconds
  } finally {
    await rm(folder, { recursive: true })
  }
}
