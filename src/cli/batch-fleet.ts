/** `dar batch submit`, `work` and `status`: a list of photos over a fleet of machines. The work is in src/batch/fleet. */
import { type Command, Option } from 'commander'
import {
  BATCH_KINDS,
  connectFleet,
  type FleetConnection,
  type FleetStatus,
  fleetStatus,
  LEASE,
  parseBatchKinds,
  readPhotos,
  SHARD_SIZE,
  type ShardRecord,
  submit,
  work,
} from '../batch/index.ts'
import { DarError } from '../support/errors.ts'
import { printableName as named } from '../support/printable.ts'
import { createProgress, durationText } from '../support/progress.ts'
import { onOneLine } from '../support/text.ts'
import { above0, wholeAbove0 } from './flag-values.ts'
import { untilSignal } from './until-signal.ts'

interface StreamFlags {
  readonly stream: string
  readonly creds?: string
  readonly tlsCa?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly patience: string
}

interface SubmitFlags extends StreamFlags {
  readonly out: string
  readonly model: string
  readonly maps: string
  readonly focal?: string
  readonly root?: string
  readonly results: 'jsonl' | 'parquet'
  readonly shardSize: string
  readonly tries: string
  readonly lease: string
  readonly json?: boolean
}

interface WorkFlags extends StreamFlags {
  readonly root?: string
  readonly out?: string
  readonly workers?: string
  readonly untilDone?: boolean
  readonly json?: boolean
}

const SUBMIT_HELP = `
LIST is as of dar batch run. --root and --out are where photos and results lie for the workers, on a disk that all of them share.
The same command again sends what does not wait already; workers skip photos that are done and have not changed. See docs/fleet.md.`

const WORK_HELP = `
Takes shards until SIGINT or SIGTERM: then photos at hand are finished, the shard is given back, and the exit code is 130 or 143.
A worker that is killed loses no photo that is done: its shard goes to another when the lease is over.`

export function registerFleet(batch: Command): void {
  const withStream = (command: Command) =>
    command
      .addOption(
        new Option('--stream <url>', 'nats://[user:password@]host[:port]/NAME, or tls://…')
          .env('DAR_STREAM')
          .makeOptionMandatory(),
      )
      .option('--creds <file>', "a user's credentials, as nsc makes them")
      .option('--tls-ca <file>', "authority of the server's certificate, PEM")
      .option('--tls-cert <file>', 'certificate of this client, PEM')
      .option('--tls-key <file>', 'key of this client, PEM')
      .option('--patience <s>', 'seconds in which the server must answer', '10')

  withStream(batch.command('submit').description('put a list of photos into a stream, for workers on other machines'))
    .argument('<list>', 'a folder, a file with one path a line, or - for standard input')
    .requiredOption('-o, --out <dir>', 'folder for the results, on a disk that the workers share')
    .option('--model <name|file>', 'a shipped model, or a .safetensors file that the workers have, too', 'dar-nano')
    .option('--maps <list>', `what is written of each photo: ${BATCH_KINDS.join(', ')}`, 'depth')
    .option('--focal <px>', 'focal length in pixels of every photo (default: from EXIF)')
    .option('--root <dir>', 'what the paths of a list are relative to (default: the working folder)')
    .addOption(new Option('--results <kind>', 'results of a shard as').choices(['jsonl', 'parquet']).default('jsonl'))
    .option('--shard-size <n>', 'photos in a shard, 64 to 512 for most purposes', `${SHARD_SIZE}`)
    .option('--tries <n>', 'a shard that so many workers did not survive is put with the dead', '5')
    .option('--lease <s>', 'a worker that is silent for so many seconds loses its shard', `${LEASE / 1000}`)
    .option('--json', 'print one JSON document')
    .addHelpText('after', SUBMIT_HELP)
    .action(submitList)

  withStream(batch.command('work').description('do the shards of a stream, over all cores'))
    .option('--root <dir>', 'where the photos lie on this machine (default: as submitted)')
    .option('-o, --out <dir>', 'where the results go on this machine (default: as submitted)')
    .option('--workers <n>', 'photos that are computed at once, each on one core (default: all cores)')
    .option('--until-done', 'end when no shard is left')
    .option('--json', 'print a line of JSON for each photo')
    .addHelpText('after', WORK_HELP)
    .action(workOn)

  withStream(batch.command('status').description('what of a stream is waiting, in work, done and dead'))
    .option('--json', 'print one JSON document')
    .action(async (flags: StreamFlags & { readonly json?: boolean }) => {
      await withFleet(flags, async (connection) => {
        const status = await fleetStatus(connection)
        process.stdout.write(
          flags.json ? `${JSON.stringify(status, null, 2)}\n` : statusText(connection.address, status),
        )
      })
    })
}

async function withFleet(flags: StreamFlags, use: (connection: FleetConnection) => Promise<void>): Promise<void> {
  const { stream: url, creds, tlsCa: ca, tlsCert: cert, tlsKey: key } = flags
  const tls = (ca ?? cert ?? key) ? { ca, cert, key } : undefined
  const connection = await connectFleet({ url, creds, tls, patience: 1000 * above0('--patience', flags.patience) })
  try {
    await use(connection)
  } finally {
    await connection.close()
  }
}

async function submitList(list: string, flags: SubmitFlags): Promise<void> {
  const shardSize = wholeAbove0('--shard-size', flags.shardSize)
  if (shardSize > 4096)
    throw new DarError(`--shard-size ${shardSize}: give at most 4096, or a lost shard is a day's work`)
  const [tries, lease] = [wholeAbove0('--tries', flags.tries), 1000 * above0('--lease', flags.lease)]
  const options = { kinds: parseBatchKinds(flags.maps), focal: above0('--focal', flags.focal) }
  const photos = await readPhotos(list, { root: flags.root })
  const { out, model, results } = flags
  await withFleet(flags, async (connection) => {
    const total = Math.ceil(photos.paths.length / shardSize)
    const progress = createProgress({ total, label: 'shards', silent: flags.json === true || total < 100 })
    const onProgress = (shards: number) => progress.update(shards)
    const submitted = await submit(connection, {
      photos,
      out,
      model,
      options,
      results,
      shardSize,
      tries,
      lease,
      onProgress,
    })
    progress.done()
    const { shards, known, images } = submitted
    const text = `${images} photos in ${shards} shards at ${connection.address}${known > 0 ? `, ${known} of which waited there already` : ''}`
    process.stdout.write(`${flags.json ? JSON.stringify({ ...submitted, address: connection.address }) : text}\n`)
  })
}

async function workOn(flags: WorkFlags): Promise<void> {
  const workers = wholeAbove0('--workers', flags.workers)
  const { root, out, untilDone, json } = flags
  const { signal, caught, ignore } = untilSignal({
    tells: true,
    notice: 'finishing the photos at hand, then giving the shard back',
  })
  const count = { done: 0, failed: 0 }
  try {
    await withFleet(flags, (connection) =>
      work(connection, {
        workers,
        root,
        out,
        untilDone,
        signal,
        onEntry: (entry) => {
          count[entry.status]++
          if (json) process.stdout.write(`${JSON.stringify(entry)}\n`)
          else if (entry.error) process.stderr.write(`dar: ${onOneLine(entry.error)}\n`)
        },
        onShard: (record) => process.stderr.write(`${shardText(record)}\n`),
      }),
    )
  } finally {
    ignore()
  }
  if (!json) process.stdout.write(`${count.done} done, ${count.failed} failed\n`)
  const name = caught()
  if (name) process.exitCode = name === 'SIGINT' ? 130 : 143
}

function shardText({ shard, state, images, tries, seconds, failed, reason }: ShardRecord): string {
  switch (state) {
    case 'working':
      return `shard ${shard}: ${images} photos${tries !== undefined && tries > 1 ? `, try ${tries}` : ''}`
    case 'done':
      return `shard ${shard}: done in ${durationText(seconds ?? 0)}${failed ? `, ${failed} photos failed` : ''}`
    case 'waiting':
      return `shard ${shard}: given back (${named(onOneLine(reason ?? ''))})`
    case 'dead':
      return `shard ${shard}: dead after ${tries ?? 1} tries (${named(onOneLine(reason ?? ''))})`
  }
}

function statusText(address: string, { shards, images, rate, dead, workers }: FleetStatus): string {
  const left = images.total - images.done - dead.reduce((sum, shard) => sum + shard.images, 0)
  const time = rate !== null && left > 0 ? `, ${durationText(left / rate)} left` : ''
  const { waiting, working, done } = shards
  return [
    address,
    `  shards   ${waiting} waiting, ${working} in work, ${done} done, ${shards.dead} dead`,
    `  photos   ${images.done} of ${images.total} done, ${images.failed} of them failed`,
    `  speed    ${rate === null ? 'not known yet' : `${rate.toFixed(2)} photos/s${time}`}`,
    `  workers  ${workers.length > 0 ? workers.join(', ') : 'none at work'}`,
    ...dead.map(
      ({ shard, images: count, reason = '', tries }) =>
        `  dead     ${shard}: ${count} photos, ${tries ?? 1} tries: ${onOneLine(reason)}`,
    ),
    '',
  ].join('\n')
}
