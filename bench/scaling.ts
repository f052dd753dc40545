/**
 * Training in 1, 2 and 4 processes on this machine beside the formula of docs/scaling.md. Each process computes one image of dar-lite,
 * whose gradient is large enough to count. Needs MPICH's mpiexec, and as many free cores as processes for figures that mean something; with
 * fewer, R is that of a process which has its part of a core.
 *
 * R is taken from the run of one process, W from what two processes say of moving values. So the row of two checks the compute, and
 * that of four both.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { flatConfig, PRESETS } from '../src/model/index.ts'
import { type CommunicationTime, type Overlap, parseRecipe, planRun, type TrainEvent } from '../src/train/index.ts'
import { stepTime } from '../src/train/scaling.ts'
import { tinyRecipe, writeRooms } from '../src/train/testing.ts'
import { median, type Row } from './report.ts'

const SIZE = { width: 140, height: 112 }
/** The first two are not counted. */
const UPDATES = 14
const WARM_UP = 2
/** Seconds of a message between processes of one machine with cores of their own. It hardly counts here. */
const LATENCY = 30e-6
const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Seconds of an update, medians. */
interface Measured extends CommunicationTime {
  readonly step: number
  readonly exposed: number
}

export async function benchScaling(): Promise<Row[]> {
  const launcher = ['mpiexec.mpich', 'mpiexec'].find((name) =>
    /HYDRA/i.test(String(spawnSync(name, ['--version']).stdout)),
  )
  if (!launcher) throw new Error("scaling needs MPICH's mpiexec (Debian: apt-get install mpich)")
  const folder = await mkdtemp(join(tmpdir(), 'dar-scaling-'))
  try {
    await writeRooms(join(folder, 'rooms'), { count: 8, ...SIZE })
    const { flops, bytes } = await costOf(folder)
    const one = await measure(launcher, folder, 1)
    const alone = flops / one.step
    const rows: Row[] = [{ name: '1 process: seconds of an update', value: one.step, unit: 's' }]
    let bandwidth = Number.POSITIVE_INFINITY
    for (const ranks of [2, 4]) {
      const { step, moving, waiting } = await measure(launcher, folder, ranks)
      if (ranks === 2) bandwidth = bytes / moving // 2·(N−1)/N·G
      const share = Math.min(1, availableParallelism() / ranks)
      const rate = { flops: alone * share, bandwidth: bandwidth * share, latency: LATENCY }
      const predicted = stepTime({ flops, bytes }, rate, { images: 1, ranks })
      rows.push(
        { name: `${ranks} processes: seconds of an update`, value: step, unit: 's' },
        { name: '  of them moving values', value: moving, unit: 's' },
        { name: '  waiting for others', value: waiting, unit: 's' },
        { name: '  predicted', value: predicted.total, unit: 's' },
        { name: '  efficiency', value: one.step / step, unit: 'ratio' },
        { name: '  efficiency predicted', value: one.step / predicted.total, unit: 'ratio' },
      )
    }
    for (const overlap of ['backward', 'step'] as const) {
      const { step, exposed, moving, waiting } = await measure(launcher, folder, 2, overlap)
      rows.push(
        { name: `2 processes, --overlap ${overlap}: seconds of an update`, value: step, unit: 's' },
        { name: '  moving values and waiting', value: moving + waiting, unit: 's' },
        { name: '  of both, exposed', value: exposed, unit: 's' },
      )
    }
    return [...rows, { name: 'W, bytes a second between two processes', value: bandwidth / 1e6, unit: 'MB/s' }]
  } finally {
    await rm(folder, { recursive: true })
  }
}

const recipeOf = (ranks: number) =>
  parseRecipe(
    tinyRecipe({
      name: 'scaling',
      model: PRESETS['dar-lite'],
      stages: [{ ...SIZE, batch: ranks, updates: UPDATES }],
      schedule: { rate: 1e-5, initialRate: 1e-6, finalRate: 1e-6, warmup: 2 },
    }),
    'scaling',
  )

/** Of one image. */
async function costOf(folder: string): Promise<{ flops: number; bytes: number }> {
  // No room: nothing is measured, the plan counts.
  const { stages, parameters } = await planRun(recipeOf(1), { data: folder, room: 0 })
  return { flops: stages[0].shapes[0].flops, bytes: 4 * parameters.trained }
}

async function measure(launcher: string, folder: string, ranks: number, overlap?: Overlap): Promise<Measured> {
  const recipe = recipeOf(ranks)
  const path = join(folder, `scaling-${ranks}.mjs`)
  await writeFile(path, `export default ${JSON.stringify({ ...recipe, model: flatConfig(recipe.model) })}\n`)
  const verb = [
    '--import',
    'tsx',
    'src/cli/main.ts',
    'train',
    path,
    '--data',
    folder,
    '--out',
    join(folder, `${ranks}${overlap ?? ''}`),
  ]
  const flags = [
    '--threads',
    '1',
    '--json',
    ...(ranks > 1 ? ['--distributed', 'mpi'] : []),
    ...(overlap ? ['--overlap', overlap] : []),
  ]
  const steps = stepsIn(await output(launcher, ['-n', `${ranks}`, process.execPath, ...verb, ...flags])).slice(WARM_UP)
  const of = (figure: (step: Step) => number) => median(steps.map(figure))
  return {
    step: of(({ imagesPerSecond }) => ranks / imagesPerSecond),
    moving: of(({ communication }) => communication?.moving ?? 0),
    waiting: of(({ communication }) => communication?.waiting ?? 0),
    exposed: of(({ communication }) => communication?.exposed ?? 0),
  }
}

type Step = Extract<TrainEvent, { event: 'step' }>

function stepsIn(text: string): Step[] {
  const events = text.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as TrainEvent] : []))
  const steps = events.flatMap((event) => (event.event === 'step' ? [event] : []))
  if (steps.length !== UPDATES) throw new Error(`the run made ${steps.length} of ${UPDATES} updates`)
  return steps
}

function output(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', (bytes) => {
      text += bytes
    })
    child.once('error', reject)
    child.once('close', (code) => (code === 0 ? resolve(text) : reject(new Error(`${command} ended with ${code}`))))
  })
}
