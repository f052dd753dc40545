/**
 * The programs `ffmpeg` and `ffprobe`, which read and write videos for us. They are looked for on PATH; the package does not bring them.
 *
 * What they say on standard error is read line by line, each with its level (`-loglevel level+info`): errors go into our
 * messages, and one line tells the frame rate of a pipe.
 */
import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { DarError } from '../support/errors.ts'

const INSTALL =
  'install FFmpeg, which has both programs (Debian and Ubuntu: apt install ffmpeg; macOS: brew install ffmpeg; Windows: winget install ffmpeg), and see that it is on PATH'

/** Given to every run: says its level before each message, and asks nothing. */
const QUIET = ['-hide_banner', '-nostats', '-loglevel', 'level+info']

/** Errors that are kept: the first says what went wrong, the last how it ended. */
const KEPT_ERRORS = 20

/** How a process of ffmpeg ended. */
export interface Ending {
  /** null when a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A running ffmpeg. */
export interface Ffmpeg {
  readonly process: ChildProcess
  /** Resolves when it has ended and everything that it said is read; never rejects. */
  readonly ended: Promise<Ending>
  /** What it said at the level of an error so far, without the addresses of its parts. */
  errors(): readonly string[]
  /** Ends it and waits. Safe to call when it has ended. */
  stop(): Promise<void>
}

export interface FfmpegOptions {
  readonly stdio: SpawnOptions['stdio']
  /** Called with every line of information. */
  readonly onLine?: (line: string) => void
}

/**
 * Starts ffmpeg. It is in a process group of its own: Ctrl-C in a terminal goes to every process of the group, and would end a
 * video in the middle of a frame. It ends when our pipes close, also when this process is killed.
 * @throws DarError of kind `missing` when there is no ffmpeg.
 */
export async function startFfmpeg(args: readonly string[], { stdio, onLine }: FfmpegOptions): Promise<Ffmpeg> {
  const child = spawn('ffmpeg', [...QUIET, ...args], { stdio, detached: true, windowsHide: true })
  const errors: string[] = []
  const read = readLines(child, (line) => {
    const error = /(?:^|\] )\[(?:error|fatal|panic)\] (.*)$/.exec(line)
    if (error) {
      if (errors.length >= KEPT_ERRORS) errors.splice(KEPT_ERRORS / 2, 1)
      errors.push(error[1])
    } else onLine?.(line)
  })
  const exited = new Promise<Ending>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })))
  const ended = Promise.all([exited, read]).then(([ending]) => ending)
  await started(child, 'ffmpeg')
  return {
    process: child,
    ended,
    errors: () => errors,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await ended
    },
  }
}

async function readLines(child: ChildProcess, onLine: (line: string) => void): Promise<void> {
  if (!child.stderr) return
  for await (const line of createInterface({ input: child.stderr })) onLine(line)
}

/** Rejects when the program is not there or may not be run. */
async function started(child: ChildProcess, name: string): Promise<void> {
  try {
    await once(child, 'spawn')
  } catch (error) {
    throw cannotStart(name, error)
  }
}

function cannotStart(name: string, error: unknown): DarError {
  const { code, message } = error as NodeJS.ErrnoException
  const why = code === 'ENOENT' ? `${name} was not found` : `${name} could not be started: ${message}`
  return new DarError(`${why}; ${INSTALL}`, { kind: 'missing' })
}

/** Runs `ffprobe` or `ffmpeg` to its end and returns what it prints. An exit code is no exception. */
export async function output(
  name: 'ffmpeg' | 'ffprobe',
  args: readonly string[],
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve, reject) => {
    execFile(name, [...args], { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(cannotStart(name, error))
      else resolve({ code: error ? Number(error.code) : 0, stdout, stderr })
    })
  })
}

let option: Promise<string> | null = null

/**
 * The option by which every frame passes once, whatever its time: `-vsync` before ffmpeg 5.1, `-fps_mode` since.
 * @throws DarError of kind `missing` when there is no ffmpeg.
 */
export async function eachFrameOnce(): Promise<readonly string[]> {
  option ??= output('ffmpeg', ['-version']).then(({ stdout }) => {
    const [, major, minor] = /^ffmpeg version n?(\d+)\.(\d+)/.exec(stdout) ?? []
    // A build from its repository has no number and is newer.
    const isOld = major !== undefined && Number(major) + Number(minor) / 100 < 5.01
    return isOld ? '-vsync' : '-fps_mode'
  })
  try {
    return [await option, 'passthrough']
  } catch (error) {
    option = null // it may be installed by the next time
    throw error
  }
}

/** What ffmpeg said of its failure, for a message: its first error, or how it ended. */
export function complaint({ code, signal }: Ending, errors: readonly string[]): string {
  if (signal) return `ffmpeg was ended by ${signal}`
  return errors[0] ?? `ffmpeg ended with code ${code}`
}
