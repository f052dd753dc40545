/** One thread of bench/rooms.ts: renders the given seeds, discards the pictures and reports when it is done. */
import { parentPort } from 'node:worker_threads'
import { renderRoom } from '../src/rooms/index.ts'

export interface Share {
  readonly from: number
  readonly to: number
  readonly width: number
  readonly height: number
}

const port = parentPort
port?.on('message', ({ from, to, width, height }: Share) => {
  for (let seed = from; seed < to; seed++) renderRoom({ seed, width, height })
  port.postMessage('done')
})
