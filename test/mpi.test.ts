/**
 * Training in several processes that a real mpiexec starts, on this machine. Skipped where there is none (Debian: apt-get install mpich).
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { TrainEvent } from '../src/train/index.ts'
import { tinyRecipe, writeRooms } from '../src/train/testing.ts'
import { DAR } from './compiled.ts'
import { temporaryFolder } from './temporary-folder.ts'

vi.setConfig({ testTimeout: 900_000, hookTimeout: 300_000 })

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const MPIEXEC = ['mpiexec.mpich', 'mpiexec'].find((name) =>
  /HYDRA/i.test(String(spawnSync(name, ['--version']).stdout)),
)
const UPDATES = 100

let folder = ''
let recipe = ''
beforeAll(async () => {
  folder = await temporaryFolder()
  await writeRooms(join(folder, 'rooms'), { count: 8, width: 64, height: 32 })
  // Rates as in the paper. AdamW's step along a gradient that is only rounding has full length where ε is smaller than the rounding. And
  // the loss, a root of mean g² − λ·(mean g)², enlarges rounding by up to 1/(1 − λ): without `exact`, losses differ by up to 1.4e-6.
  const several = tinyRecipe({
    name: 'several',
    stages: [{ height: 32, width: 32, batch: 4, updates: UPDATES, loss: { exact: true } }],
    schedule: { rate: 5e-5, initialRate: 1e-5, finalRate: 1e-5, warmup: 2 },
    optimiser: { epsilon: 1e-3, clip: 5, ema: 0.9 },
    checkpointMinutes: 0,
  })
  recipe = join(folder, 'several.mjs')
  await writeFile(recipe, `export default ${JSON.stringify(several)}\n`)
})

/** Runs `dar train` in `processes` processes; `onEvent` is called with rank 0's events, and with the launcher's number. */
function train(
  processes: number,
  out: string,
  {
    more = [],
    data = folder,
    onEvent = () => {},
  }: {
    readonly more?: readonly string[]
    readonly data?: string
    readonly onEvent?: (event: TrainEvent, pid: number) => void
  } = {},
): Promise<{ readonly code: number | null; readonly events: readonly TrainEvent[]; readonly errors: string }> {
  const verb = [DAR, 'train', recipe, '--data', data, '--out', join(folder, out)]
  const flags = ['--threads', '1', '--json', '--distributed', 'mpi', ...more]
  const child = spawn(MPIEXEC ?? '', ['-n', `${processes}`, process.execPath, ...verb, ...flags], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const events: TrainEvent[] = []
  let [text, errors] = ['', '']
  child.stdout.on('data', (bytes) => {
    const lines = `${text}${bytes}`.split('\n')
    text = lines.pop() ?? ''
    for (const line of lines.filter((one) => one.startsWith('{'))) {
      const event = JSON.parse(line) as TrainEvent
      events.push(event)
      onEvent(event, child.pid ?? 0)
    }
  })
  child.stderr.on('data', (bytes) => {
    errors += bytes
  })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, events, errors })))
}

const lossesOf = (events: readonly TrainEvent[]) =>
  events.flatMap((event) => (event.event === 'step' ? [event.loss] : []))

/** The processes that a launcher has started, by their ranks. */
function ranksOf(launcher: number): Map<number, number> {
  const found = new Map<number, number>()
  const visit = (pid: number) => {
    for (const child of String(spawnSync('pgrep', ['-P', `${pid}`]).stdout)
      .split('\n')
      .filter(Boolean)
      .map(Number)) {
      const rank = /PMI_RANK=(\d+)/.exec(readFileSync(`/proc/${child}/environ`, 'latin1'))?.[1]
      if (rank === undefined) visit(child)
      else found.set(Number(rank), child)
    }
  }
  visit(launcher)
  return found
}

describe.skipIf(MPIEXEC === undefined)('training in several processes (needs MPICH’s mpiexec)', () => {
  it('has with 2 and 4 processes the losses of one, and the same bits when it is run again, its sums overlapped', async () => {
    const more = ['--set', 'checkpointMinutes=1000'] // a checkpoint costs three updates
    const one = await train(1, 'one', { more })
    const two = await train(2, 'two', { more })
    const again = await train(2, 'again', { more: [...more, '--overlap', 'backward'] })
    const four = await train(4, 'four', { more })
    const losses = lossesOf(one.events)
    expect(losses).toHaveLength(UPDATES)
    for (const { code, events, errors } of [two, four]) {
      expect({ code, errors }).toMatchObject({ code: 0 })
      const apart = lossesOf(events).map((loss, i) => Math.abs(loss / losses[i] - 1))
      expect(apart).toHaveLength(UPDATES)
      expect(Math.max(...apart)).toBeLessThan(1e-6)
    }
    expect(lossesOf(again.events)).toEqual(lossesOf(two.events))
    const overlapped = again.events.at(-1)
    const { waiting = 0, moving = 0, exposed = 0 } = (overlapped?.event === 'end' && overlapped.communication) || {}
    expect(exposed).toBeGreaterThan(0)
    expect(exposed).toBeLessThanOrEqual(waiting + moving)
    const end = four.events.at(-1)
    expect(end?.event === 'end' && end.communication?.moving).toBeGreaterThan(0)
    expect(await readdir(join(folder, 'four'))).toEqual([
      'checkpoint.safetensors',
      'log.jsonl',
      'model.safetensors',
      'report.html',
    ])
  })

  it('ends them all, says why, and goes on with another number, when one is killed', async () => {
    let killed = false
    const onEvent = (event: TrainEvent, launcher: number) => {
      if (event.event !== 'step' || event.step !== 3) return
      const pid = ranksOf(launcher).get(1)
      if (pid === undefined) return
      killed = true
      process.kill(pid, 'SIGKILL')
    }
    const { code, errors } = await train(2, 'killed', { onEvent, more: ['--overlap', 'step'] })
    // That the others end at all is the condition. How soon is no matter of a test on a machine that others use, too.
    expect(killed).toBe(true)
    expect(code).not.toBe(0)
    expect(errors).toMatch(/dar: (a process of this run was killed|rank 1 .* as if it was killed).*go on with --resume/)

    const stop = ['--resume', '--minutes', '0.001']
    const resumed = await train(4, 'killed', { more: stop })
    const notes = resumed.events.flatMap((event) => (event.event === 'start' ? event.notes : []))
    // At least what was done when the kill was sent; on a busy machine the run got further before it arrived.
    expect(Number(/^resumed at update (\d+)/.exec(notes[0])?.[1])).toBeGreaterThanOrEqual(3)
    expect(notes.slice(1)).toEqual([
      'goes on with ranks 4 instead of 2',
      '4 processes: each computes 1 of the 4 images of a batch',
    ])
  })

  it('ends them all, with one line, at a mistake of all and at a mistake of one', async () => {
    const all = await train(2, 'nowhere', { data: '/nowhere' })
    expect(all.code).not.toBe(0)
    expect(all.errors.match(/^dar: .*\/nowhere/gm)).toHaveLength(1)
    expect(existsSync(join(folder, 'nowhere'))).toBe(false)
    const uneven = await train(3, 'uneven')
    expect(uneven.errors.match(/^dar: .*batches of 4, which 3 processes cannot share equally/gm)).toHaveLength(1)
  })
})

it('--distributed mpi names the remedy where there is no library', () => {
  const { stderr, status } = spawnSync(process.execPath, [DAR, 'train', 'tiny', '--distributed', 'mpi'], {
    cwd: ROOT,
    env: { ...process.env, DAR_MPI: '/nowhere/libmpi.so' },
    encoding: 'utf8',
  })
  expect(stderr).toMatch(/^dar: there is no MPI library: tried \/nowhere\/libmpi\.so \(.*\); install MPICH/)
  expect(stderr.trim().split('\n')).toHaveLength(1)
  expect(status).toBe(66)
})
