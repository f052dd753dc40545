/** One pool of workers in a process of its own, for batch.ts: how fast it is and what memory it takes while the list goes on. */
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { doPhoto } from '../src/batch/photo-work.ts'
import { ModelPool } from '../src/batch/pool.ts'
import { decodeImage } from '../src/node/decode.ts'
import type { DecodeFile } from '../src/node/decoder-process.ts'
import { loadModel } from '../src/node/index.ts'

export interface BatchChild {
  readonly model: string
  readonly photos: readonly string[]
  readonly images: number
  /** 0: no pool, but `predict` of one model with one thread, one photo after another. */
  readonly workers: number
}

export interface BatchFigures {
  /** Photos a second, the first 8 left out. */
  readonly rate: number
  /** Proportional share of memory in MB, after photo `image`. */
  readonly memory: readonly { readonly image: number; readonly megabytes: number }[]
}

const { model, photos, images, workers }: BatchChild = JSON.parse(process.argv[2])
const out = await mkdtemp(join(tmpdir(), 'dar-bench-'))
const place = (i: number, decode: DecodeFile) => ({
  root: '.',
  out,
  model: '',
  unit: 'metre' as const,
  decode,
  options: { kinds: ['depth'] as const },
  stem: () => `${i}`,
})

/** Empty for a child that has just ended. */
function smaps(process: string): string {
  try {
    return readFileSync(`/proc/${process}/smaps_rollup`, 'utf8')
  } catch {
    return ''
  }
}

/** Of this process and of its decoder's. What is shared counts once: weights that several workers map, and pages of other processes by their share. */
function memoryNow(): number {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
  const kilobytes = ['self', ...children].map((process) => {
    const [, own] = /^Pss:\s+(\d+) kB$/m.exec(smaps(process)) ?? []
    return Number(own ?? 0)
  })
  return kilobytes.reduce((sum, one) => sum + one, 0) / 1024
}

/** Photos that only warm up: programs are made, memory finds its size. */
const warm = 8
/** Photos from one look at memory to the next. */
const between = images > 1000 ? 25 : 3
const memory: BatchFigures['memory'][number][] = []
let done = 0
let begin = 0
const note = () => {
  if (++done === warm) begin = performance.now()
  if (done % between === 0) memory.push({ image: done, megabytes: memoryNow() })
}
const numbers = Array.from({ length: images + warm }, (_, i) => i)
const photoOf = (i: number) => photos[i % photos.length]
if (workers === 0) {
  await using one = await loadModel(model, { threads: 1 })
  for (const i of numbers) {
    await doPhoto(photoOf(i), one, place(i % 32, decodeImage))
    note()
  }
} else {
  await using pool = await ModelPool.open(model, { workers })
  for await (const _ of pool.run(numbers, (i, worker) => doPhoto(photoOf(i), worker, place(i % 32, pool.decode))))
    note()
}
const rate = (done - warm) / ((performance.now() - begin) / 1000)
await rm(out, { recursive: true, force: true })
console.log(JSON.stringify({ rate, memory } satisfies BatchFigures))
