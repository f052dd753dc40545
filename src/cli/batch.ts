/** `dar batch …`: many photos, on this machine or on many. The work is in src/batch; this file has the flags and the printing. */
import { type Command, Option } from 'commander'
import {
  BATCH_KINDS,
  type ManifestEntry,
  parseBatchKinds,
  parseShard,
  readPhotos,
  runBatch,
  shardLabel,
} from '../batch/index.ts'
import { printableName as named } from '../support/printable.ts'
import { createProgress, durationText } from '../support/progress.ts'
import { onOneLine } from '../support/text.ts'
import { registerFleet } from './batch-fleet.ts'
import { above0, wholeAbove0 } from './flag-values.ts'
import { untilSignal } from './until-signal.ts'

interface RunFlags {
  readonly out: string
  readonly model: string
  readonly maps: string
  readonly focal?: string
  readonly root?: string
  readonly workers?: string
  readonly shard?: string
  readonly check: 'time' | 'content'
  readonly ordered?: boolean
  readonly json?: boolean
}

const RUN_HELP = `
LIST is a folder (every JPEG, PNG and WebP below it), a file with one path a line, or - for such lines on standard input.
The outputs of a/b.jpg are DIR/a/b.depth.png and so on. DIR/manifest.jsonl says of each photo what became of it.

The same command again does what is left: photos that are new, changed or failed, another model or other options, outputs that are gone.
--shard 0/8 to 7/8 divide a list among 8 processes, by a hash of the path; auto takes the number from Slurm or Kubernetes.

SIGINT and SIGTERM: photos at hand are finished, then the exit code is 130 or 143. The exit code is 1 when photos failed.
More in docs/fleet.md.`

export function registerBatch(program: Command): void {
  const batch = program.command('batch').description('many photos: over all cores, in shards, over a fleet of machines')
  registerRun(batch)
  registerFleet(batch)
}

function registerRun(batch: Command): void {
  batch
    .command('run')
    .description('depth maps of the photos of a list or folder, over all cores')
    .argument('<list>', 'a folder, a file with one path a line, or - for standard input')
    .requiredOption('-o, --out <dir>', 'folder for the results and the manifest')
    .option('--model <name|file>', 'a shipped model, or a .safetensors file', 'dar-nano')
    .option('--maps <list>', `what is written of each photo: ${BATCH_KINDS.join(', ')}`, 'depth')
    .option('--focal <px>', 'focal length in pixels of every photo (default: from EXIF)')
    .option('--root <dir>', 'what the paths of a list are relative to (default: the working folder)')
    .option('--workers <n>', 'photos that are computed at once, each on one core (default: all cores)')
    .option('--shard <i/n>', 'only this part of the list: 0/8 to 7/8, auto, or auto/8')
    .addOption(
      new Option('--check <how>', 'how a changed photo is recognised').choices(['time', 'content']).default('time'),
    )
    .option('--ordered', 'results in the order of the list')
    .option('--json', 'print a line of JSON for each photo')
    .addHelpText('after', RUN_HELP)
    .action(runList)
}

async function runList(list: string, flags: RunFlags): Promise<void> {
  const options = { kinds: parseBatchKinds(flags.maps), focal: above0('--focal', flags.focal) }
  const workers = wholeAbove0('--workers', flags.workers)
  const shard = flags.shard === undefined ? undefined : parseShard(flags.shard)
  const photos = await readPhotos(list, { root: flags.root })
  const { signal, caught, ignore } = untilSignal({ tells: true, notice: 'finishing the photos at hand' })
  const printer = createPrinter({ json: flags.json ?? false })
  try {
    const { out, model, check } = flags
    const order = flags.ordered ? 'given' : 'done'
    const { onStart, onSkip } = printer
    for await (const entry of runBatch({
      photos,
      out,
      model,
      options,
      workers,
      shard,
      check,
      order,
      signal,
      onStart,
      onSkip,
    }))
      printer.report(entry)
  } finally {
    printer.end(shard && ` of shard ${shardLabel(shard)}`)
    ignore()
  }
  const signalName = caught()
  if (signalName) process.exitCode = signalName === 'SIGINT' ? 130 : 143
  else if (printer.failed > 0) process.exitCode = 1
}

/** One line for each failure and the counts at the end, or with `json` a line for each photo; progress on standard error. */
function createPrinter({ json }: { readonly json: boolean }) {
  const begin = performance.now()
  const count = { done: 0, failed: 0, skipped: 0 }
  let progress: ReturnType<typeof createProgress> | null = null
  const update = (path: string) => progress?.update(count.done + count.failed + count.skipped, path)
  return {
    get failed() {
      return count.failed
    },
    onStart({ total }: { readonly total: number }) {
      progress = createProgress({ total, label: 'photos', silent: json })
    },
    onSkip(path: string) {
      count.skipped++
      update(path)
    },
    report(entry: ManifestEntry) {
      count[entry.status]++
      if (json) process.stdout.write(`${JSON.stringify(entry)}\n`)
      else if (entry.status === 'failed') process.stderr.write(`dar: ${onOneLine(entry.error ?? named(entry.path))}\n`)
      update(entry.path)
    },
    end(what = '') {
      progress?.done()
      if (!progress) return
      const seconds = (performance.now() - begin) / 1000
      const rate = (count.done + count.failed) / seconds
      const text = `${count.done} done, ${count.failed} failed, ${count.skipped} skipped${what} in ${durationText(seconds)} (${rate.toFixed(2)} photos/s)`
      ;(json ? process.stderr : process.stdout).write(`${text}\n`)
    },
  }
}
