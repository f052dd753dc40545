/**
 * The worker side of loader.ts: makes the requested batches in order and transfers their memory. The sources are opened
 * at the first request, so that a wrong folder is reported as an answer and does not crash the thread.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { createRoomRenderer } from '../rooms/index.ts'
import { assert, DarError, type ErrorKind, messageOf } from '../support/errors.ts'
import { type Batch, type BatchMaker, type BatchOptions, createBatchMaker } from './batch.ts'

/** To the worker: make this batch. */
export interface BatchRequest {
  readonly index: number
}

/** From the worker: the batch, or the error. */
export type BatchReply =
  | { readonly index: number; readonly batch: Batch }
  | { readonly index: number; readonly error: string; readonly mistake: ErrorKind | null }

const port = parentPort
assert(port !== null, 'loader-worker is not in a worker thread')
const options: BatchOptions = workerData

let maker: Promise<BatchMaker> | null = null
let queue: Promise<void> = Promise.resolve()

port.on('message', ({ index }: BatchRequest) => {
  queue = queue.then(() => answer(index))
})

async function answer(index: number): Promise<void> {
  try {
    maker ??= createBatchMaker(options, createRoomRenderer({ keepMegabytes: options.furnitureMegabytes }))
    const batch = await (await maker).make(index)
    const { image, depth, scales, teacher, draws, taps } = batch
    const reply: BatchReply = { index, batch }
    port?.postMessage(
      reply,
      [image, depth, scales, teacher, draws, ...taps].map(({ buffer }) => buffer as ArrayBuffer),
    )
  } catch (error) {
    const reply: BatchReply = { index, error: messageOf(error), mistake: error instanceof DarError ? error.kind : null }
    port?.postMessage(reply)
  }
}
