/**
 * How many `rooms` images a second, with one and with two worker threads, and how much processor time an image takes:
 *
 *     npx tsx bench/rooms.ts [IMAGES] [--furniture DIR]
 *
 * Each worker renders its share of the same seeds after a warm-up. The rate counts from when the last worker is ready to the
 * last image. With --furniture the images show furnished homes; the shapes that they use are read on the way, as in training.
 */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import type { Worker } from 'node:worker_threads'
import { startWorker } from '../src/support/threads.ts'
import type { Share } from './rooms-worker.ts'

const WARM_UP = 40
const SIZE = { width: 320, height: 240 }

const { values, positionals } = parseArgs({ allowPositionals: true, options: { furniture: { type: 'string' } } })
const { furniture } = values
const images = Number(positionals[0] ?? 120)
console.log(`${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}, 320x240, ${images} images`)
for (const threads of [1, 2]) {
  const { seconds, processor } = await timeWorkers(threads)
  const perImage = ((1000 * threads * seconds) / images).toFixed(1)
  const name = threads === 1 ? '1 worker' : `${threads} workers`
  console.log(
    `${name}: ${(images / seconds).toFixed(1)} images/s, ${perImage} ms an image and thread, ${((1000 * processor) / images).toFixed(0)} ms of processor an image`,
  )
}

/** Seconds, and seconds of processor time, for all images, shared by `threads` workers. */
async function timeWorkers(threads: number): Promise<{ readonly seconds: number; readonly processor: number }> {
  const workers = Array.from({ length: threads }, () => startWorker('rooms-worker', import.meta.url))
  try {
    await Promise.all(workers.map((w) => ask(w, { from: -WARM_UP, to: 0, ...SIZE, furniture })))
    const before = process.cpuUsage()
    const start = performance.now()
    const each = Math.ceil(images / threads)
    await Promise.all(
      workers.map((w, i) => ask(w, { from: i * each, to: Math.min((i + 1) * each, images), ...SIZE, furniture })),
    )
    const { user, system } = process.cpuUsage(before)
    return { seconds: (performance.now() - start) / 1000, processor: (user + system) / 1e6 }
  } finally {
    await Promise.all(workers.map((w) => w.terminate()))
  }
}

function ask(worker: Worker, share: Share): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('message', () => resolve())
    worker.once('error', reject)
    worker.postMessage(share)
  })
}
