/** For tests of fleets: the real nats-server of the system, with files of its own, on a port that the system chooses. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'

/** Debian's package of the same name. */
export const hasNatsServer = spawnSync('nats-server', ['--version']).status === 0

export interface NatsServer {
  /** `127.0.0.1:PORT`. */
  readonly address: string
  /** Ends it at once, and starts it again at the same address with what it had stored. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Starts a server that keeps its streams in `folder`. `config`: further flags. */
export async function startNats(folder: string, ...flags: readonly string[]): Promise<NatsServer> {
  let running = await started(folder, '-1', flags)
  const end = async (signal: NodeJS.Signals) => {
    if (running.child.exitCode === null && running.child.signalCode === null) {
      const ended = once(running.child, 'exit')
      running.child.kill(signal)
      await ended
    }
  }
  return {
    address: `127.0.0.1:${running.port}`,
    async restart() {
      await end('SIGKILL')
      running = await started(folder, running.port, flags)
    },
    stop: () => end('SIGTERM'),
  }
}

/** Resolves when it listens. A port that is taken for a moment is tried again. */
async function started(
  folder: string,
  port: string,
  flags: readonly string[],
  attempt = 0,
): Promise<{ child: ChildProcess; port: string }> {
  const child = spawn('nats-server', ['-js', '-sd', folder, '-a', '127.0.0.1', '-p', port, ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  const found = await new Promise<string | null>((resolve) => {
    child.stderr.on('data', (bytes) => {
      log += bytes
      const [, at] = /Listening for client connections on 127\.0\.0\.1:(\d+)/.exec(log) ?? []
      if (at !== undefined && /Server is ready/.test(log)) resolve(at)
    })
    child.once('exit', () => resolve(null))
  })
  if (found !== null) return { child, port: found }
  if (attempt >= 20) throw new Error(`nats-server does not start: ${log}`)
  await new Promise((resolve) => setTimeout(resolve, 250))
  return started(folder, port, flags, attempt + 1)
}
