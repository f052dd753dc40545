/** One thread of bench/rooms.ts: renders the given seeds, discards the pictures and reports when it is done. */
import { parentPort } from 'node:worker_threads'
import { createRoomRenderer } from '../src/rooms/index.ts'

export interface Share {
  readonly from: number
  readonly to: number
  readonly width: number
  readonly height: number
  readonly furniture: string | undefined
}

const port = parentPort
const render = createRoomRenderer()
port?.on('message', async ({ from, to, width, height, furniture }: Share) => {
  for (let seed = from; seed < to; seed++) await render({ seed, width, height, furniture })
  port.postMessage('done')
})
