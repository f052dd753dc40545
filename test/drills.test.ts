/**
 * What must survive: kills at any moment, a full disk, two runs at once. Every process here is a real `dar`, ended as a user's machine
 * would end it.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { flatConfig, parseConfig } from '../src/model/index.ts'
import { readWeights } from '../src/runtime/weights.ts'
import { Random } from '../src/support/random.ts'
import { bestModelPath, modelPath } from '../src/train/checkpoint.ts'
import { checkpointPath, type Recipe } from '../src/train/index.ts'
import { MICRO_MODEL, tinyRecipe, writeRooms } from '../src/train/testing.ts'
import { DAR } from './compiled.ts'
import {
  type Collected,
  collected,
  killAtRandom,
  killProgress,
  lifeOf,
  UPDATES_A_KILL,
  untilCheckpoints,
} from './kill-drill.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { writeTinyModel } from './tiny-model.ts'

vi.setConfig({ testTimeout: 600_000 + 30_000 * Number(process.env.DAR_DRILL_KILLS ?? 0) })

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** How often the training run is killed; more by hand: DAR_DRILL_KILLS=100 npx vitest run test/drills.test.ts -t 'killed at random' */
const KILLS = Number(process.env.DAR_DRILL_KILLS ?? 4)
/** More than all sessions do before they are killed. */
const UPDATES = Math.ceil(UPDATES_A_KILL * KILLS) + 10

/** The files of a run that has ended. */
const LEFT = ['checkpoint.safetensors', 'log.jsonl', 'model.safetensors', 'report.html']
/** The same of a recipe that also keeps the checkpoint before the last, and the best model. */
const KEPT = [`checkpoint-${UPDATES - 1}.safetensors`, ...LEFT, 'model-best.safetensors'].sort()

let folder = ''
let recipe = ''
let killedRecipe = ''
beforeAll(async () => {
  folder = await temporaryFolder()
  await writeRooms(join(folder, 'rooms'), { count: 4, width: 64, height: 32 })
  const write = async (name: string, change: Partial<Recipe>) => {
    const path = join(folder, `${name}.mjs`)
    const drill = tinyRecipe({ name, checkpointMinutes: 0, ...change }) // a checkpoint after every update
    await writeFile(path, `export default ${JSON.stringify(drill)}\n`)
    return path
  }
  const stage = { height: 32, width: 32, batch: 2 }
  recipe = await write('drill', { stages: [{ ...stage, updates: 20 }] })
  killedRecipe = await write('killed', {
    model: parseConfig({ ...flatConfig(MICRO_MODEL), steps: 1 }), // which halves the time to compile it
    stages: [{ ...stage, updates: UPDATES, dropPath: 0.1, validationBatch: 1 }],
    data: [
      { kind: 'dataset', name: 'rooms', path: 'rooms', weight: 1, choose: { kind: 'tail', fraction: 0.25, gap: 0 } },
    ],
    validateEvery: 4,
    best: 'silog',
    keepCheckpoints: 2,
  })
})

const dar = (...args: string[]): Collected => collected(spawn(process.execPath, [DAR, ...args], { cwd: ROOT }))

const trainOf = (path: string, out: string, ...more: string[]) =>
  dar('train', path, '--data', folder, '--out', out, '--threads', '1', '--json', ...more)
const train = (out: string, ...more: string[]) => trainOf(recipe, out, ...more)

/** Lines of JSON; one that a kill has torn is left out. */
const eventsOf = (text: string): Record<string, unknown>[] =>
  text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line)]
    } catch {
      return []
    }
  })

/** Updates done of the checkpoint in a folder, which is whole and has a model that is not older; 0 where none was written yet. */
async function stepStored(out: string): Promise<number> {
  if (!existsSync(checkpointPath(out))) return 0
  const { metadata, checked } = await readWeights(checkpointPath(out)) // throws for a torn one
  expect(checked).toBe(true)
  const model = await readWeights(modelPath(out))
  expect(Number(model.metadata.step)).toBeGreaterThanOrEqual(Number(metadata.step))
  return Number(metadata.step)
}

/** What each update and validation computed, in order and once if it was computed in the same way every time. */
function figuresOf(events: readonly Record<string, unknown>[]): string[] {
  const figures = events.flatMap(({ event, step, loss, terms, norm, rate, sets }) =>
    event === 'step' || event === 'validation' ? [JSON.stringify({ step, event, loss, terms, norm, rate, sets })] : [],
  )
  return [...new Set(figures)].sort()
}

describe('training', () => {
  it('that is killed at random moments goes on from a whole checkpoint, loses one update at most, and ends as if it never was', async () => {
    const [never, out] = [join(folder, 'never-killed'), join(folder, 'killed')]
    const alone = trainOf(killedRecipe, never)
    const life = await lifeOf(alone)
    expect(await alone.ended, alone.text.err).toBe(0)
    const random = new Random(20)
    const tell = killProgress(KILLS)
    let step = 0
    for (let kill = 0; kill < KILLS; kill++) {
      const child = trainOf(killedRecipe, out, ...(step > 0 ? ['--resume'] : []))
      await killAtRandom(child, kill, random, life)
      expect(await child.ended, child.text.err).toBe('SIGKILL')
      const done = eventsOf(child.text.out).filter(({ event }) => event === 'step')
      const before = step
      step = await stepStored(out)
      // Checkpoints are of every update, so at most the last one that was done is lost.
      expect(step).toBeGreaterThanOrEqual(Math.max(before, Number(done.at(-1)?.step ?? 0)))
      // The process is in the name of a file that is being written (support/temporary.ts).
      const half = existsSync(out) ? (await readdir(out)).filter((name) => name.includes(`-${child.pid}-`)) : []
      const where =
        half.length > 0 ? `in writing ${half.join(', ')}` : done.length > 0 ? 'in an update' : 'in its start'
      if (process.env.DAR_DRILL_KILLS) tell(kill, `${where}, updates ${before} to ${step}`)
    }
    const last = trainOf(killedRecipe, out, ...(step > 0 ? ['--resume'] : []))
    expect(await last.ended, last.text.err).toBe(0)
    expect((await readdir(out)).sort()).toEqual(KEPT)
    expect((await readdir(never)).sort()).toEqual(KEPT)

    const [events, whole] = await Promise.all(
      [out, never].map(async (run) => eventsOf(await readFile(join(run, 'log.jsonl'), 'utf8'))),
    )
    expect(events.at(-1)).toMatchObject({ event: 'end', step: UPDATES })
    expect(figuresOf(events)).toEqual(figuresOf(whole)) // also of the updates that were done twice
    for (const path of [checkpointPath, modelPath, bestModelPath]) {
      const [killed, left] = [await readWeights(path(out)), await readWeights(path(never))]
      expect(killed.metadata.step).toBe(left.metadata.step)
      for (const [name, values] of left.values) expect(killed.values.get(name), name).toEqual(values)
    }
  })

  it('into a folder where another run works is refused in one line, and that run goes on', async () => {
    const out = join(folder, 'locked')
    const long = ['--set', 'stages.0.updates=100000'] // still at work when the second comes
    const first = train(out, ...long)
    await untilCheckpoints(first, 1)
    const second = train(out, '--resume', ...long)
    expect(await second.ended, second.text.err).toBe(1)
    expect(second.text.err).toMatch(new RegExp(`^dar: ${out} is in use by process ${first.pid} .*\n$`))
    first.kill('SIGINT')
    expect(await first.ended, first.text.err).toBe(130)
    expect(existsSync(join(out, '.dar.lock'))).toBe(false)
  })
})

describe.skipIf(process.platform === 'win32')('a disk without room', () => {
  it('ends a training run with one line, and leaves the old checkpoint whole', async () => {
    const out = join(folder, 'no-room')
    const first = train(out)
    await untilCheckpoints(first, 2)
    first.kill('SIGINT')
    expect(await first.ended, first.text.err).toBe(130)
    const before = await readFile(checkpointPath(out))
    // No file may grow past the half of a checkpoint.
    const blocks = Math.floor(before.length / 2048)
    const limited = `trap '' XFSZ; ulimit -f ${blocks}; exec "$0" "$@"`
    const args = [DAR, 'train', recipe, '--data', folder, '--out', out, '--threads', '1', '--json', '--resume']
    const child = collected(spawn('bash', ['-c', limited, process.execPath, ...args], { cwd: ROOT }))
    expect(await child.ended, child.text.err).toBe(73)
    expect(child.text.err).toMatch(
      /^(the report is .*\n)?dar: cannot write .*checkpoint\.safetensors: EFBIG.*\(ulimit -f\).*\n$/,
    )
    expect(await readFile(checkpointPath(out))).toEqual(before)
    expect((await readdir(out)).sort()).toEqual(LEFT)
  })

  it('ends a prediction with one line and code 1, and leaves no half file', async () => {
    const out = join(folder, 'full')
    const model = await writeTinyModel(join(folder, 'tiny.safetensors'))
    const photo = join(folder, 'photo.png')
    await sharp({ create: { width: 400, height: 300, channels: 3, background: '#864' } })
      .png()
      .toFile(photo)
    // No file may grow past 64 KB: the map of 400×300 float32 takes 480.
    const limited = `trap '' XFSZ; ulimit -f 64; exec "$0" "$@"`
    const args = [
      '-c',
      limited,
      process.execPath,
      DAR,
      'predict',
      photo,
      '--model',
      model,
      '--threads',
      '1',
      '--out',
      out,
    ]
    const child = collected(spawn('bash', args, { cwd: ROOT }))
    expect(await child.ended, child.text.err).toBe(1) // of many photos, others may have room
    expect(child.text.err).toMatch(/^dar: cannot write .*photo\.depth\.npy: EFBIG.*\(ulimit -f\).*\n$/)
    expect(await readdir(out)).toEqual([])
  })
})
