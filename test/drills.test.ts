/**
 * What must survive: kills at any moment, a full disk, two runs at once. Every process here is a real `dar`, ended as a user's machine
 * would end it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { readWeights } from '../src/runtime/weights.ts'
import { Random } from '../src/support/random.ts'
import { checkpointPath } from '../src/train/index.ts'
import { tinyRecipe, writeRooms } from '../src/train/testing.ts'
import { DAR } from './compiled.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { writeTinyModel } from './tiny-model.ts'

vi.setConfig({ testTimeout: 600_000 + 30_000 * Number(process.env.DAR_DRILL_KILLS ?? 0) })

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** How often the training run is killed; more by hand: DAR_DRILL_KILLS=100 npx vitest run test/drills.test.ts -t 'killed at random' */
const KILLS = Number(process.env.DAR_DRILL_KILLS ?? 3)
/** Of the run that is killed: each session does a few before it dies. */
const UPDATES = Math.max(20, 6 * KILLS)

/** The files of a run that has ended. */
const LEFT = ['checkpoint.safetensors', 'log.jsonl', 'model.safetensors', 'report.html']

let folder = ''
let recipe = ''
beforeAll(async () => {
  folder = await temporaryFolder()
  await writeRooms(join(folder, 'rooms'), { count: 4, width: 64, height: 32 })
  recipe = join(folder, 'drill.mjs')
  const stages = [{ height: 32, width: 32, batch: 2, updates: UPDATES }]
  const drill = tinyRecipe({ name: 'drill', stages, checkpointMinutes: 0 }) // a checkpoint after every update
  await writeFile(recipe, `export default ${JSON.stringify(drill)}\n`)
})

const dar = (...args: string[]): ChildProcess & { readonly text: { out: string; err: string } } => {
  const child = spawn(process.execPath, [DAR, ...args], { cwd: ROOT })
  return collected(child)
}

function collected(child: ChildProcess): ChildProcess & { readonly text: { out: string; err: string } } {
  const text = { out: '', err: '' }
  child.stdout?.on('data', (bytes) => {
    text.out += bytes
  })
  child.stderr?.on('data', (bytes) => {
    text.err += bytes
  })
  return Object.assign(child, { text })
}

const ended = (child: ChildProcess) =>
  new Promise<string | number | null>((resolve) => child.once('close', (code, signal) => resolve(signal ?? code)))

const train = (out: string, ...more: string[]) =>
  dar('train', recipe, '--data', folder, '--out', out, '--threads', '1', '--json', ...more)

/** Resolves when so many checkpoints were written. */
const untilCheckpoints = (child: ReturnType<typeof dar>, count: number) =>
  new Promise<void>((resolve) => {
    const look = () => {
      if (child.text.out.split('"event":"checkpoint"').length > count) resolve()
    }
    child.stdout?.on('data', look)
    child.once('close', () => resolve())
  })

/** Lines of JSON; one that a kill has torn is left out. */
const eventsOf = (text: string): Record<string, unknown>[] =>
  text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line)]
    } catch {
      return []
    }
  })

describe('training', () => {
  it('that is killed at random moments goes on from a whole checkpoint, loses one update at most, and ends as if it never was', async () => {
    const out = join(folder, 'killed')
    const random = new Random(20)
    let before = 0
    for (let kill = 0; kill < KILLS; kill++) {
      const child = train(out, ...(before > 0 ? ['--resume'] : []))
      await untilCheckpoints(child, 1 + Math.floor(3 * random.uniform()))
      await new Promise((resolve) => setTimeout(resolve, 60 * random.uniform())) // in an update, or in writing a checkpoint
      child.kill('SIGKILL')
      expect(await ended(child), child.text.err).toBe('SIGKILL')
      const { metadata, checked } = await readWeights(checkpointPath(out)) // throws for a torn one
      expect(checked).toBe(true)
      const step = Number(metadata.step)
      expect(step).toBeGreaterThan(before)
      // Checkpoints are of every update, so at most the last one that was done is lost.
      const done = eventsOf(child.text.out).filter(({ event }) => event === 'step')
      expect(step).toBeGreaterThanOrEqual(Number(done.at(-1)?.step))
      before = step
    }
    const last = train(out, '--resume')
    expect(await ended(last), last.text.err).toBe(0)
    expect((await readdir(out)).sort()).toEqual(LEFT)
    const events = eventsOf(await readFile(join(out, 'log.jsonl'), 'utf8'))
    expect(events.filter(({ event }) => event === 'start')).toHaveLength(KILLS + 1)
    expect(events.at(-1)).toMatchObject({ event: 'end', step: UPDATES })

    const never = join(folder, 'never-killed')
    const child = train(never)
    expect(await ended(child), child.text.err).toBe(0)
    const [killed, whole] = [await readWeights(checkpointPath(out)), await readWeights(checkpointPath(never))]
    for (const [name, values] of whole.values) expect(killed.values.get(name), name).toEqual(values)
  })

  it('into a folder where another run works is refused in one line, and that run goes on', async () => {
    const out = join(folder, 'locked')
    const long = ['--set', 'stages.0.updates=100000'] // still at work when the second comes
    const first = train(out, ...long)
    await untilCheckpoints(first, 1)
    const second = train(out, '--resume', ...long)
    expect(await ended(second), second.text.err).toBe(1)
    expect(second.text.err).toMatch(new RegExp(`^dar: ${out} is in use by process ${first.pid} .*\n$`))
    first.kill('SIGINT')
    expect(await ended(first), first.text.err).toBe(130)
    expect(existsSync(join(out, '.dar.lock'))).toBe(false)
  })
})

describe.skipIf(process.platform === 'win32')('a disk without room', () => {
  it('ends a training run with one line, and leaves the old checkpoint whole', async () => {
    const out = join(folder, 'no-room')
    const first = train(out)
    await untilCheckpoints(first, 2)
    first.kill('SIGINT')
    expect(await ended(first), first.text.err).toBe(130)
    const before = await readFile(checkpointPath(out))
    // No file may grow past the half of a checkpoint.
    const blocks = Math.floor(before.length / 2048)
    const limited = `trap '' XFSZ; ulimit -f ${blocks}; exec "$0" "$@"`
    const args = [DAR, 'train', recipe, '--data', folder, '--out', out, '--threads', '1', '--json', '--resume']
    const child = collected(spawn('bash', ['-c', limited, process.execPath, ...args], { cwd: ROOT }))
    expect(await ended(child), child.text.err).toBe(73)
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
    expect(await ended(child), child.text.err).toBe(1) // of many photos, others may have room
    expect(child.text.err).toMatch(/^dar: cannot write .*photo\.depth\.npy: EFBIG.*\(ulimit -f\).*\n$/)
    expect(await readdir(out)).toEqual([])
  })
})
