/** A batch on this machine: the photos of a list that are not done yet, over a pool of workers, with a manifest. */
import { join } from 'node:path'
import { checkWritable } from '../node/outputs.ts'
import { assert } from '../support/errors.ts'
import { lockFolder } from '../support/folder-lock.ts'
import { type BatchOptions, checkKinds } from './batch-options.ts'
import { localModel } from './local-model.ts'
import { type ManifestEntry, ManifestWriter, manifestPath, readManifests } from './manifest.ts'
import { outputStems, type PhotoList } from './photo-list.ts'
import { type BatchPlace, doPhoto, isDone } from './photo-work.ts'
import { ModelPool, type PoolOptions, type RunOptions } from './pool.ts'
import { isInShard, type Shard, shardLabel } from './shard.ts'

export interface BatchRun extends RunOptions, Pick<PoolOptions, 'workers' | 'thread'> {
  readonly photos: PhotoList
  /** The folder of the outputs. */
  readonly out: string
  /** A shipped model's name, a file, or `hub:owner/name`. */
  readonly model: string
  readonly options: BatchOptions
  readonly shard?: Shard
  /** How an unchanged photo is recognised: by size and time of change, or by its content. */
  readonly check?: 'time' | 'content'
  /** Called once before the first photo. */
  readonly onStart?: (begin: BatchStart) => void
  /** Called for each photo that an earlier run has done. */
  readonly onSkip?: (path: string) => void
  /** A pool of this model that is open already, and stays so. */
  readonly pool?: ModelPool
}

export interface BatchStart {
  /** Photos of this shard, done ones among them. */
  readonly total: number
  readonly model: string
  readonly workers: number
}

/**
 * Yields the entry of each photo that it does, after it was written to the manifest.
 * @throws DarError when the folder cannot be written to or another process works on the same shard of it.
 */
export async function* runBatch(run: BatchRun): AsyncGenerator<ManifestEntry, void, undefined> {
  const { photos, out, shard, model } = run
  const label = shard ? shardLabel(shard) : null
  const stem = outputStems(photos.paths) // of the whole list: names do not depend on the shard
  const paths = shard ? photos.paths.filter((path) => isInShard(path, shard)) : photos.paths
  await checkWritable(out)
  await using _ = asDisposable(lockFolder(join(out, '.dar-batch', label ?? 'all'), `dar batch run, ${label ?? 'all'}`))
  const mine = new Set(paths)
  const known = await readManifests(out, (path) => mine.has(path))
  const writer = await ManifestWriter.open(manifestPath(out, label))
  try {
    await using own = run.pool ? null : await ModelPool.open(await localModel(model), run)
    const pool = run.pool ?? own
    assert(pool, 'a batch without a pool')
    const { options } = run
    checkKinds(options, pool)
    const { hash, unit, decode } = pool
    const place: BatchPlace = { root: photos.root, out, model: hash, unit, decode, options, stem }
    run.onStart?.({ total: paths.length, model: pool.name, workers: pool.workers })
    const todo = remaining(paths, known, place, run)
    const { order, signal } = run
    const entries = pool.run(
      todo,
      async (path, worker) => {
        const entry = await doPhoto(path, worker, place)
        await writer.append(entry)
        return entry
      },
      { order, signal },
    )
    yield* entries
  } finally {
    await writer.close()
  }
}

async function* remaining(
  paths: readonly string[],
  known: Map<string, ManifestEntry>,
  place: BatchPlace,
  { check, onSkip }: Pick<BatchRun, 'check' | 'onSkip'>,
): AsyncGenerator<string> {
  for (const path of paths) {
    const entry = known.get(path)
    known.delete(path)
    if (await isDone(entry, place, { check })) onSkip?.(path)
    else yield path
  }
}

const asDisposable = (lock: { dispose(): Promise<void> }) => ({ [Symbol.asyncDispose]: () => lock.dispose() })
