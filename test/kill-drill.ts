/**
 * A training run that is killed with SIGKILL again and again, at moments drawn from its whole life, and gone on from each time.
 *
 * Half of the kills fall between the start of the process and its first checkpoint: reading files, taking the lock, compiling the graph.
 * The other half fall between two checkpoints of a later update: computing, validating, writing a file, renaming it. How long a life is, is
 * measured on a run that is left alone. What the kills are judged by does not depend on it: a fast machine and a slow one only die elsewhere.
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../src/support/random.ts'

/** A process, its output so far, and the signal that ended it or else its exit code. */
export type Collected = ChildProcess & {
  readonly text: { out: string; err: string }
  readonly ended: Promise<string | number | null>
}

export function collected(child: ChildProcess): Collected {
  const text = { out: '', err: '' }
  child.stdout?.on('data', (bytes) => {
    text.out += bytes
  })
  child.stderr?.on('data', (bytes) => {
    text.err += bytes
  })
  const ended = once(child, 'close').then(([code, signal]) => signal ?? code)
  return Object.assign(child, { text, ended })
}

const checkpointsOf = ({ text }: Collected) => text.out.split('"event":"checkpoint"').length - 1

/** Resolves when so many checkpoints were written, or the process has ended. */
export const untilCheckpoints = (child: Collected, count: number) =>
  new Promise<void>((resolve) => {
    const look = () => {
      if (checkpointsOf(child) >= count) resolve()
    }
    child.stdout?.on('data', look)
    child.once('close', () => resolve())
    look()
  })

/** Milliseconds. */
export interface Life {
  /** From the start of the process to its first checkpoint. */
  readonly start: number
  /** From one checkpoint to the next. */
  readonly update: number
}

/** Waits for the end of a run that is left alone, and says how long the parts of its life are. */
export async function lifeOf(child: Collected): Promise<Life> {
  const began = performance.now()
  await untilCheckpoints(child, 1)
  const first = performance.now()
  const count = checkpointsOf(child)
  await child.ended
  return { start: first - began, update: (performance.now() - first) / Math.max(1, checkpointsOf(child) - count) }
}

/** A process does fewer updates than this before it is killed, on average: in its start one, else three at most. */
export const UPDATES_A_KILL = 2.5

/** Kills a process at a random moment: kill 0, 2, 4, … in its start, the others in an update. */
export async function killAtRandom(child: Collected, kill: number, random: Random, { start, update }: Life) {
  const isLate = kill % 2 === 1
  const before = isLate ? 1 + Math.floor(2 * random.uniform()) : 0
  const wait = random.uniform() * (isLate ? update : start)
  await untilCheckpoints(child, before)
  await Promise.race([sleep(wait), untilCheckpoints(child, before + 1)])
  child.kill('SIGKILL')
}

/** Prints a line for every kill, with the time that is left, past the test runner, which would keep it until the end. */
export function killProgress(kills: number) {
  const began = performance.now()
  return (kill: number, what: string) => {
    const passed = (performance.now() - began) / 1000
    const left = (passed / (kill + 1)) * (kills - kill - 1)
    writeSync(2, `kill ${kill + 1} of ${kills}: ${what}; ${Math.round(passed)} s so far, ${Math.round(left)} s left\n`)
  }
}
