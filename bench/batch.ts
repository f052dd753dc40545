/**
 * Batches: photos a second with a pool over all cores, beside one model that does one photo after another; what a second worker costs
 * in memory, and what the list costs as it goes on; and one worker of a fleet beside two, where nats-server is installed.
 *
 *     npm run bench -- batch --images 5000
 *
 * Both sides do the same for each photo (`doPhoto`): read, hash, decode, predict with one thread of the engine, encode a 16-bit PNG,
 * write. The first 8 photos are not timed. The single model is measured before and after the pool, as the mean of both, in two ways:
 *
 *   predict              its process may use every core: decoder, encoder and garbage collector have cores beside the network's
 *   predict on one core  its process is bound to one core (taskset), which is the share that a worker of a full pool has
 *
 * What is measured is the compiled package, made anew: TypeScript's loader would take memory and time in each thread. Each case is a
 * process of its own. Photos are those of the folder DAR_BENCH_PHOTOS, or the example room; the model is DAR_BENCH_MODEL, or dar-nano.
 * Memory is the proportional share of /proc/self/smaps_rollup, that of the decoder's process included (Linux only).
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { hasNatsServer, startNats } from '../src/batch/fleet/testing.ts'
import { connectFleet, type ManifestEntry, readPhotos, submit } from '../src/batch/index.ts'
import type { BatchChild, BatchFigures } from './batch-child.ts'
import { median, type Row } from './report.ts'

/** Photos of the short cases, and of the fleet. */
const FEW = 60
/** Photos after which nothing warms up any more: every buffer has found its size. */
const SETTLED = 1000

export async function benchBatch({ images = 300 }: { readonly images?: number } = {}): Promise<Row[]> {
  const folder = process.env.DAR_BENCH_PHOTOS ?? 'examples/room/rgb'
  const model = process.env.DAR_BENCH_MODEL ?? 'dar-nano'
  const photos = (await readPhotos(folder)).paths.map((path) => resolve(folder, path))
  const cores = availableParallelism()
  await using compiled = await compile()
  const child = async (workers: number, count: number, binding: readonly string[] = []): Promise<BatchFigures> => {
    const argument: BatchChild = { model, photos, images: count, workers }
    const [program, ...args] = [...binding, process.execPath, compiled.child, JSON.stringify(argument)]
    const { stdout } = await execFileAsync(program, args, { maxBuffer: 2 ** 26 })
    return JSON.parse(stdout)
  }
  const few = Math.min(images, FEW)
  const bindings = await bindingsToCores()
  const core = bindings[0]
  const single = async () => ({
    free: (await child(0, few)).rate,
    bound: core ? (await child(0, few, core)).rate : null,
  })
  const before = await single()
  const [one, two] = [await child(1, few), await child(2, few)]
  const all = await child(cores, images)
  const after = await single()
  const free = (before.free + after.free) / 2
  const bound = before.bound && after.bound && (before.bound + after.bound) / 2
  const perCore = all.rate / cores
  const from = images >= 2 * SETTLED ? SETTLED : Math.floor(images / 2)
  const rows: Row[] = [
    { name: 'predict, one model with one thread', value: free, unit: 'photos/s' },
    { name: 'pool of 1', value: one.rate, unit: 'photos/s' },
    { name: `pool of ${cores}`, value: all.rate, unit: 'photos/s' },
    { name: 'rate for each core, over predict', value: perCore / free, unit: '', target: 0.9 },
    ...(bound
      ? [
          { name: 'predict on one core', value: bound, unit: 'photos/s' },
          { name: 'rate for each core, over predict on one core', value: perCore / bound, unit: '', target: 0.9 },
        ]
      : []),
    { name: 'memory of a pool of 1', value: settled(one), unit: 'MB' },
    { name: 'a second worker adds', value: settled(two) - settled(one), unit: 'MB', most: 60 },
    {
      name: `slope from photo ${from} to ${images}`,
      value: slope(all.memory.filter(({ image }) => image >= from)),
      unit: 'MB per 1000 photos',
      ...(from === SETTLED && { most: 1 }),
    },
  ]
  return hasNatsServer
    ? [...rows, ...(await fleetRows(photos, model, { images: few, dar: compiled.dar, bindings }))]
    : rows
}

/** For each core that this process may use the command that binds a program to it; none where there is no such command. */
async function bindingsToCores(): Promise<string[][]> {
  try {
    const { stdout } = await execFileAsync('taskset', ['-cp', `${process.pid}`])
    const ranges = stdout.slice(stdout.lastIndexOf(':') + 1).split(',')
    const cores = ranges.flatMap((range) => {
      const [first, last = first] = range.split('-').map(Number)
      return Array.from({ length: last - first + 1 }, (_, i) => first + i)
    })
    return cores.map((core) => ['taskset', '-c', `${core}`])
  } catch {
    return []
  }
}

const execFileAsync = promisify(execFile)

/** The package and batch-child.ts as JavaScript, in a folder below the checkout, where packages and models are found. Removed at the end. */
async function compile() {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const folder = await mkdtemp(join(root, '.bench-'))
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const files = {
    extends: '../tsconfig.build.json',
    compilerOptions: { rootDir: '..', outDir: '.', declaration: false },
  }
  const include = ['../src', '../bench/batch-child.ts']
  const exclude = ['../src/**/*.test.ts', '../src/**/testing.ts']
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ ...files, include, exclude }))
  await execFileAsync(process.execPath, [tsc, '-p', folder])
  return {
    child: join(folder, 'bench', 'batch-child.js'),
    dar: join(folder, 'src', 'cli', 'main.js'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

const settled = ({ memory }: BatchFigures) =>
  median(memory.slice(Math.floor(memory.length / 2)).map(({ megabytes }) => megabytes))

/**
 * The median of the slopes between any two points (Theil 1950, Sen 1968), which a few high points do not move: what the garbage
 * collector has not yet taken comes and goes.
 */
function slope(points: BatchFigures['memory']): number {
  const slopes = points.flatMap((a, i) =>
    points.slice(i + 1).map((b) => (1000 * (b.megabytes - a.megabytes)) / (b.image - a.image)),
  )
  return median(slopes)
}

/** Workers of one core each, bound to it where that can be, on one server: their rate from the first photo that was done to the last. */
async function fleetRows(
  photos: readonly string[],
  model: string,
  { images, dar, bindings }: { readonly images: number; readonly dar: string; readonly bindings: readonly string[][] },
): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'dar-bench-'))
  const server = await startNats(join(folder, 'streams'))
  try {
    for (let i = 0; i < images; i++) await cp(photos[i % photos.length], join(folder, 'photos', `${i}.jpg`))
    const rateOf = async (workers: number) => {
      const url = `nats://${server.address}/workers-${workers}`
      const connection = await connectFleet({ url })
      const list = await readPhotos(join(folder, 'photos'))
      const options = { kinds: ['depth'] as const }
      await submit(connection, { photos: list, out: join(folder, `${workers}`), model, options, shardSize: 4 })
      await connection.close()
      const args = [dar, 'batch', 'work', '--stream', url, '--workers', '1', '--until-done', '--json']
      const outputs = await Promise.all(
        Array.from({ length: workers }, async (_, worker) => {
          const [program, ...rest] = [...(bindings[worker] ?? []), process.execPath, ...args]
          const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'ignore'] })
          let text = ''
          child.stdout.on('data', (bytes) => {
            text += bytes
          })
          await once(child, 'close')
          return text
            .trim()
            .split('\n')
            .filter(Boolean)
            .map((line) => Date.parse((JSON.parse(line) as ManifestEntry).at))
        }),
      )
      // From when the last worker had its first photo done to when the first had its last: all are at work.
      const from = Math.max(...outputs.map((times) => Math.min(...times)))
      const to = Math.min(...outputs.map((times) => Math.max(...times)))
      const within = outputs.flat().filter((time) => time > from && time <= to).length
      return within / ((to - from) / 1000)
    }
    const [one, two] = [await rateOf(1), await rateOf(2)]
    return [
      { name: 'fleet of 1 worker with one core', value: one, unit: 'photos/s' },
      { name: 'fleet of 2 workers with one core each', value: two, unit: 'photos/s' },
      { name: 'two workers over twice one', value: two / (2 * one), unit: '', target: 0.9 },
    ]
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
