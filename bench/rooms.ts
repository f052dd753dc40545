/**
 * How many `rooms` images a second, with one and with two worker threads: `npx tsx bench/rooms.ts [IMAGES]`. Each
 * worker renders its share of the same seeds after a warm-up. The rate counts from when the last worker is ready to the
 * last image.
 */
import { cpus } from 'node:os'
import type { Worker } from 'node:worker_threads'
import { startWorker } from '../src/support/threads.ts'
import type { Share } from './rooms-worker.ts'

const WARM_UP = 40
const SIZE = { width: 320, height: 240 }

const images = Number(process.argv[2] ?? 120)
console.log(`${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}, 320x240, ${images} images`)
for (const threads of [1, 2]) {
  const seconds = await timeWorkers(threads)
  const perImage = ((1000 * threads * seconds) / images).toFixed(1)
  const name = threads === 1 ? '1 worker' : `${threads} workers`
  console.log(`${name}: ${(images / seconds).toFixed(1)} images/s, ${perImage} ms an image and thread`)
}

/** Seconds for all images, shared by `threads` workers. */
async function timeWorkers(threads: number): Promise<number> {
  const workers = Array.from({ length: threads }, () => startWorker('rooms-worker', import.meta.url))
  try {
    await Promise.all(workers.map((w) => ask(w, { from: -WARM_UP, to: 0, ...SIZE })))
    const start = performance.now()
    const each = Math.ceil(images / threads)
    await Promise.all(workers.map((w, i) => ask(w, { from: i * each, to: Math.min((i + 1) * each, images), ...SIZE })))
    return (performance.now() - start) / 1000
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
