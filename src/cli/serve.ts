/** `dar serve`: depth over HTTP, until it is told to stop. The work is in src/serve; this file has the flags and the printing. */
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Command, Option } from 'commander'
import { DecoderProcess } from '../node/decoder-process.ts'
import { loadModelReading } from '../node/load-model.ts'
import {
  DEFAULT_HOST,
  DEFAULT_LIMITS,
  DEFAULT_PORT,
  LOOPBACK_HOSTS,
  listen,
  ModelKeeper,
  type RequestLog,
  Site,
  ThreadCodec,
} from '../serve/index.ts'
import { DarError, messageOf } from '../support/errors.ts'
import { printable } from '../support/printable.ts'
import { type DeviceFlags, deviceOption } from './device-flag.ts'
import { above0, atLeast0, collect, portNumber, wholeAbove0, wholeAtLeast0 } from './flag-values.ts'
import { untilSignal } from './until-signal.ts'

interface Flags extends DeviceFlags {
  readonly model: string
  readonly host: string
  readonly port?: string
  readonly token?: string
  readonly cors: readonly string[]
  readonly maxQueue?: string
  readonly maxBody?: string
  readonly maxPixels?: string
  readonly maxConnections?: string
  readonly deadline?: string
  readonly batch?: string
  readonly threads?: string
  readonly decoder: 'process' | 'inside'
  readonly notice?: string
  readonly grace?: string
  readonly logRequests?: boolean
}

const HELP = `
  POST /v1/depth          a photo in; PNG in millimetres, NumPy array, picture or JSON out
  POST /v1/depth/stream   each coarse-to-fine step as it is ready
  /v2/…                   the Open Inference Protocol
  /metrics  /openapi.json  /try

  $ curl --data-binary @photo.jpg -H 'content-type: image/jpeg' http://127.0.0.1:${DEFAULT_PORT}/v1/depth -o depth.png

On SIGTERM or Ctrl-C it takes no more requests, answers those that it has, and ends with code 0.
The token is read from DAR_TOKEN where --token is not given: other users of a machine can read the arguments of a program.`

export function registerServe(program: Command): void {
  const { maxQueue, maxBody, maxPixels, maxConnections, deadline } = DEFAULT_LIMITS
  program
    .command('serve')
    .description('an HTTP server: photos in, depth maps out')
    .option('--model <name|file>', 'a shipped model, or a .safetensors file', 'dar-nano')
    .option('--host <address>', 'where to listen; 0.0.0.0 is every network of this machine', DEFAULT_HOST)
    .option('--port <n>', `the port; 0 is any free one (default: ${DEFAULT_PORT})`)
    .addOption(new Option('--token <text>', 'what clients must send as bearer token').env('DAR_TOKEN'))
    .option('--cors <origin>', 'a page that may use the server; may be given again', collect, [])
    .option('--max-queue <n>', `requests that wait (default: ${maxQueue})`)
    .option('--max-body <MB>', `size of a request (default: ${maxBody / MB})`)
    .option('--max-pixels <MP>', `megapixels of a photo (default: ${maxPixels / 1e6})`)
    .option('--max-connections <n>', `connections at once (default: ${maxConnections})`)
    .option('--deadline <s>', `the longest time to an answer (default: ${deadline / 1000})`)
    .option('--batch <n>', 'photos of one shape that go through the network together (default: 1)')
    .option('--threads <n>', 'threads of the engine (default: all cores)')
    .addOption(
      new Option(
        '--decoder <where>',
        'where photos are decoded: in a process of their own, which one may crash, or inside',
      )
        .choices(['process', 'inside'])
        .default('process'),
    )
    .option('--notice <s>', 'at the end, go on taking requests so long, while /v2/health/ready says no (default: 0)')
    .option('--grace <s>', 'at the end, wait so long for answers (default: 30)')
    .option('--log-requests', 'print one line of JSON for every request')
    .addOption(deviceOption())
    .addHelpText('after', HELP)
    .action(serveUntilSignal)
}

const MB = 2 ** 20

/** undefined stays so. */
const times = (factor: number, value: number | undefined) => (value === undefined ? undefined : factor * value)

async function serveUntilSignal(flags: Flags): Promise<void> {
  const threads = wholeAbove0('--threads', flags.threads)
  const batch = wholeAbove0('--batch', flags.batch)
  const port = portNumber('--port', flags.port)
  const notice = 1000 * (atLeast0('--notice', flags.notice) ?? 0)
  const grace = times(1000, atLeast0('--grace', flags.grace))
  const limits = {
    maxQueue: wholeAtLeast0('--max-queue', flags.maxQueue),
    maxBody: times(MB, above0('--max-body', flags.maxBody)),
    maxPixels: times(1e6, above0('--max-pixels', flags.maxPixels)),
    maxConnections: wholeAbove0('--max-connections', flags.maxConnections),
    deadline: times(1000, above0('--deadline', flags.deadline)),
  }
  const { host, token } = flags
  if (token === '') throw new DarError('--token is empty; give a long random text, or leave it out')
  const isLocal = LOOPBACK_HOSTS.some((name) => name === host || name === `[${host}]`)
  const { signal } = untilSignal({ tells: false })
  await using decoder = flags.decoder === 'process' ? new DecoderProcess() : null
  decoder?.start()
  const load = () =>
    loadModelReading({ decode: decoder?.decode }, flags.model, { threads, batch, provider: flags.device })
  const model = await ModelKeeper.open(load, {
    onReplace: () => console.error('the model is loaded anew: its thread had ended'),
  })
  const codec = new ThreadCodec()
  try {
    const server = await listen({
      model,
      codec,
      decodeHeader: decoder?.decodeHeader,
      limits,
      port,
      host,
      token,
      origins: flags.cors,
      // Nobody else's name means this machine.
      hosts: isLocal && token === undefined ? LOOPBACK_HOSTS : undefined,
      site: siteOfPackage(),
      version: packageVersion(),
      log: flags.logRequests ? logAll : logFailures,
    })
    if (!isLocal && token === undefined)
      console.error(`anybody who reaches ${host} may use this server; --token asks them for one`)
    console.error(`${model.name} at ${server.url} until Ctrl-C`)
    await aborted(signal)
    server.announceEnd()
    await sleep(notice)
    const lost = await server.drain({ grace })
    if (lost > 0) throw new DarError(`${lost} requests were not answered in time; raise --grace`, { kind: 'gone' })
  } finally {
    await codec.dispose()
    await model.dispose()
  }
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** What the client was not told is on standard error, under the request's id. */
function logFailures({ id, code, cause }: RequestLog): void {
  if (cause === undefined) return
  const text =
    cause instanceof Error && !(cause instanceof DarError) ? (cause.stack ?? cause.message) : messageOf(cause)
  console.error(`${id} ${code}: ${printable(text)}`)
}

function logAll({ cause, ...entry }: RequestLog): void {
  logFailures({ ...entry, cause })
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`)
}

const isSource = import.meta.url.endsWith('.ts')

/** The browser app, if it was built: `dist/web`. */
function siteOfPackage(): Site | undefined {
  const folder = fileURLToPath(new URL(isSource ? '../../dist/web' : '../../web', import.meta.url))
  return existsSync(folder) ? new Site(folder) : undefined
}

function packageVersion(): string {
  const path = isSource ? '../../package.json' : '../../../package.json'
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')).version
}
