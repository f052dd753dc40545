/**
 * Training batches, made ahead of time in worker threads.
 *
 * Worker w of W makes the batches of the updates w, w + W, …. At most `prefetch` batches are requested and not yet
 * consumed, which bounds memory. Batch i is a pure function of the options and of i (batch.ts), so the sequence does
 * not depend on the number of workers or on timing, and `start` continues a run exactly where it stopped. The sequence
 * is endless; the sources define epochs. Batches are transferred from worker to consumer without a copy.
 *
 * Left out: sharing decoded frames between workers (each keeps its own), so prefer one worker while it keeps up.
 */
import { assert, DarError } from '../support/errors.ts'
import { startWorker } from '../support/threads.ts'
import { type Batch, type BatchOptions, checkBatchOptions } from './batch.ts'
import type { BatchReply, BatchRequest } from './loader-worker.ts'

/** Resources of a loader. No value changes a batch. */
export interface LoadingOptions {
  /** Worker threads that make batches, each with decoded frames of its own; default 1. 2 and 4 render no room twice. */
  readonly workers?: number
  /** Batches made ahead of the consumer; default `PREFETCH`. */
  readonly prefetch?: number
  /** Memory for decoded frames, per worker; default 1024. 0: every frame is decoded every time. */
  readonly cacheMegabytes?: number
}

/** Batches made ahead unless told otherwise. */
export const PREFETCH = 4

/** An endless sequence of batches: what is in them, and how they are made. */
export interface LoaderOptions extends Omit<BatchOptions, keyof LoadingOptions>, LoadingOptions {
  /** The first place of the sequence: the number of batches consumed before, when a run resumes. */
  readonly start?: number
  /** Which batch stands at a place of the sequence; default: the one of that number. For one that takes every n-th batch. */
  readonly numberOf?: (place: number) => number
  /** After a batch with a frame that cannot be read: `end` disposes the loader, with `go on` the next call gives the next batch. Default `end`. */
  readonly atUnreadable?: 'end' | 'go on'
}

/**
 * An endless, single sequence of batches. Leaving a `for await` loop disposes it, as does a failure unless `atUnreadable` says otherwise.
 */
export interface Loader extends AsyncIterableIterator<Batch> {
  /** The next batch. Rejects with a DarError that names the file when a frame cannot be read. */
  next(): Promise<IteratorYieldResult<Batch> | IteratorReturnResult<undefined>>
  /** Stops the workers; waiting consumers get the end of the sequence. May be called twice. */
  dispose(): Promise<void>
}

/** A batch that was asked for: resolved with null when the loader is disposed first. */
interface Pending {
  readonly promise: Promise<Batch | null>
  readonly resolve: (batch: Batch | null) => void
  readonly reject: (error: Error) => void
}

/** Throws a DarError when an option makes no sense; wrong folders show at the first batch. */
export function createLoader(options: LoaderOptions): Loader {
  const {
    workers = 1,
    prefetch = PREFETCH,
    start = 0,
    numberOf = (place) => place,
    atUnreadable = 'end',
    ...batchOptions
  } = options
  checkBatchOptions(batchOptions)
  for (const [key, value] of Object.entries({ workers, prefetch }))
    if (!Number.isInteger(value) || value < 1)
      throw new DarError(`the loader's ${key} is ${value}; give a whole number of at least 1`)
  assert(Number.isInteger(start) && start >= 0, `loader starts at batch ${start}`)

  const { perUpdate = 1 } = batchOptions
  const updateOf = (index: number) => Math.floor(index / perUpdate)
  const pending = new Map<number, Pending>()
  let requested = start
  let consumed = start
  let disposed = false
  const threads = Array.from({ length: workers }, () =>
    startWorker('loader-worker', import.meta.url, { workerData: batchOptions }),
  )

  const failAll = (error: Error): void => {
    for (const { reject } of pending.values()) reject(error)
  }
  for (const thread of threads) {
    thread.on('message', (reply: BatchReply) => {
      const waiting = pending.get(reply.index)
      if ('batch' in reply) waiting?.resolve(reply.batch)
      else waiting?.reject(reply.mistake ? new DarError(reply.error, { kind: reply.mistake }) : new Error(reply.error))
    })
    thread.on('error', failAll)
    thread.on('exit', (code) => {
      if (!disposed) failAll(new Error(`a loader worker stopped with code ${code}`))
    })
  }

  const request = (): void => {
    const limit = consumed + prefetch
    for (; requested < limit; requested++) {
      const index = numberOf(requested)
      pending.set(index, newPending())
      const message: BatchRequest = { index }
      threads[updateOf(index) % workers].postMessage(message)
    }
  }

  const dispose = async (): Promise<void> => {
    if (disposed) return
    disposed = true
    for (const { resolve } of pending.values()) resolve(null)
    await Promise.all(threads.map((thread) => thread.terminate()))
  }

  const next: Loader['next'] = async () => {
    if (disposed) return { done: true, value: undefined }
    const index = numberOf(consumed++)
    request()
    const entry = pending.get(index)
    assert(entry, `batch ${index} was never asked for`)
    try {
      const batch = await entry.promise
      return batch === null ? { done: true, value: undefined } : { done: false, value: batch }
    } catch (error) {
      const goOn = atUnreadable === 'go on' && error instanceof DarError
      if (!goOn) await dispose()
      throw error
    } finally {
      pending.delete(index)
    }
  }

  request()
  const loader: Loader = {
    next,
    dispose,
    async return() {
      await dispose()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]: () => loader,
  }
  return loader
}

function newPending(): Pending {
  let resolve: Pending['resolve'] = () => {}
  let reject: Pending['reject'] = () => {}
  const promise = new Promise<Batch | null>((onBatch, onError) => {
    resolve = onBatch
    reject = onError
  })
  // The consumer of the batch gets the error. Until then the rejection must not count as unhandled.
  promise.catch(() => {})
  return { promise, resolve, reject }
}
