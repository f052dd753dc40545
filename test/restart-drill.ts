/**
 * The restart drill: photos are sent to a service while its instances, processes of `dar serve`, are replaced one after the other by
 * SIGTERM. The client knows two addresses and nothing else. It turns to the other one when a connection is refused or an answer is 503, and
 * never sends a photo again for any other reason: what it gets then is a lost request.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { compiledCopy } from '../src/support/compiled.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** A process of `dar serve` that listens. */
export interface Instance {
  readonly child: ChildProcess
  readonly url: string
  /** What it wrote on standard error. */
  readonly said: () => string
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<string | number | null>
}

/** What Node runs to be `dar`: compiled where tests have compiled it, else TypeScript. */
function dar(): string[] {
  const source = new URL('../src/cli/main.ts', import.meta.url)
  const compiled = compiledCopy(source.href)
  return compiled ? [fileURLToPath(compiled)] : ['--import', 'tsx', fileURLToPath(source)]
}

/** Starts `dar serve` on a free port. */
export async function startInstance(model: string, ...flags: readonly string[]): Promise<Instance> {
  const args = [...dar(), 'serve', '--model', model, '--port', '0', ...flags]
  const { DAR_TOKEN: _, ...env } = process.env
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'inherit', 'pipe'] })
  let text = ''
  const ended = new Promise<string | number | null>((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? code))
  })
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr?.on('data', (bytes) => {
      text += bytes
      const [, found] = / at (http:\S+) until Ctrl-C/.exec(text) ?? []
      if (found !== undefined) resolve(found)
    })
    void ended.then(() => reject(new Error(`dar serve ended: ${text}`)))
  })
  return { child, url, said: () => text, ended }
}

export interface DrillOptions {
  readonly photo: Uint8Array
  /** At least so many; they go on until the last instance was replaced. */
  readonly requests: number
  /** Requests under way at once. */
  readonly clients: number
  /** How often an instance is replaced, at even distances. */
  readonly restarts: number
  /** `format=npy&size=96x72` */
  readonly query?: string
  readonly start: () => Promise<Instance>
}

export interface DrillResult {
  readonly sent: number
  /** Why each lost request was lost. */
  readonly lost: readonly string[]
  /** Requests that were sent again to the other address. */
  readonly turned: number
  /** Exit codes of the instances that were told to end. */
  readonly codes: readonly (string | number | null)[]
}

export async function restartDrill({
  photo,
  requests,
  clients,
  restarts,
  query = '',
  start,
}: DrillOptions): Promise<DrillResult> {
  const agent = new Agent({ keepAlive: true })
  const places: Instance[] = await Promise.all([start(), start()])
  const lost: string[] = []
  const codes: (string | number | null)[] = []
  let [begun, answered, turned, preferred] = [0, 0, 0, 0]
  let goal = Number.POSITIVE_INFINITY

  const one = async (): Promise<void> => {
    let place = preferred
    for (;;) {
      const outcome = await send(agent, `${places[place].url}v1/depth?${query}`, photo)
      if (outcome !== 'ECONNREFUSED' && outcome !== '503') {
        if (outcome !== '200') lost.push(outcome)
        return
      }
      turned++
      place = 1 - place
      if (outcome === 'ECONNREFUSED') preferred = place
      else await sleep(20) // a full queue
    }
  }
  const client = async () => {
    while (begun < goal) {
      begun++
      await one()
      answered++
    }
  }
  const all = Promise.all(Array.from({ length: clients }, client))
  for (let restart = 1; restart <= restarts; restart++) {
    while (answered < (restart * requests) / (restarts + 1)) await sleep(5)
    const old = preferred
    const { child, ended } = places[old]
    child.kill('SIGTERM')
    codes.push(await ended)
    if (restart < restarts) places[old] = await start()
  }
  goal = Math.max(requests, begun + clients) // some still ask the one that is gone
  await all
  agent.destroy()
  for (const { child, ended } of places) {
    if (child.exitCode !== null) continue
    child.kill('SIGTERM')
    codes.push(await ended)
  }
  return { sent: begun, lost, turned, codes }
}

/** The status of an answer that came whole, or the code of what went wrong. */
function send(agent: Agent, url: string, photo: Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message)
    const headers = { 'content-type': 'image/jpeg', 'content-length': photo.length }
    request(url, { method: 'POST', headers, agent }, (response) => {
      response
        .on('end', () => resolve(response.complete ? String(response.statusCode) : 'broken off'))
        .on('error', failed)
        .resume()
    })
      .on('error', failed)
      .end(photo)
  })
}
