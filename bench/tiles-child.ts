/**
 * The process of test/tiles-memory.test.ts: decodes a photo file, predicts it in tiles, and prints the peak of its resident memory in MiB, the
 * milliseconds, and the longest that its event loop waited.
 */
import { loadModel } from '../src/node/load-model.ts'
import { delayWhile } from './loop-delay.ts'

const {
  photo,
  model: name,
  threads,
} = JSON.parse(process.argv[2]) as {
  photo: string
  model: string
  threads: number
}
const model = await loadModel(name, { threads, idle: 'sleep' })
const begin = performance.now()
const [{ depth, sigma }, delay] = await delayWhile(() => model.predict(photo, { tiles: true }))
const milliseconds = performance.now() - begin
await model.dispose()
const maps = depth.length + (sigma?.length ?? 0)
process.stdout.write(JSON.stringify({ mebibytes: process.resourceUsage().maxRSS / 1024, milliseconds, maps, delay }))
