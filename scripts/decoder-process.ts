/**
 * What it costs to decode photos in a process of their own: the figures of docs/reliability.md.
 *
 *     npx tsx scripts/decoder-process.ts [--rounds 15]
 *
 * JPEGs of two sizes, made of the shipped example, are decoded inside and through the process in turn, so that both meet the same machine. It prints
 * medians in milliseconds, the time of the process's start, and the memory that it holds afterwards.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import sharp from 'sharp'
import { decodeImage } from '../src/node/decode.ts'
import { DecoderProcess } from '../src/node/decoder-process.ts'
import { median } from '../src/support/median.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '15' } } })
const ROOM = new URL('../examples/room/rgb/room.jpg', import.meta.url)
const SIZES = [
  { width: 640, height: 480 },
  { width: 4000, height: 3000 },
]

await using decoder = new DecoderProcess()
const tiny = await sharp(readFileSync(ROOM)).resize(8, 8).png().toBuffer()
const begin = performance.now()
await decoder.decode(tiny)
console.log(`start, with a first photo of 8×8: ${(performance.now() - begin).toFixed()} ms\n`)

console.log('| JPEG | inside | process | header, process |\n| --- | --- | --- | --- |')
for (const { width, height } of SIZES) {
  const photo = await sharp(readFileSync(ROOM)).resize(width, height, { fit: 'fill' }).jpeg().toBuffer()
  const times: Record<string, number[]> = { inside: [], process: [], header: [] }
  for (let round = 0; round < Number(values.rounds); round++) {
    times.inside.push(await millisecondsOf(() => decodeImage(photo)))
    times.process.push(await millisecondsOf(() => decoder.decode(photo)))
    times.header.push(await millisecondsOf(() => decoder.decodeHeader(photo)))
  }
  const cells = Object.values(times).map((list) => `${median(Float64Array.from(list)).toFixed(1)} ms`)
  console.log(`| ${width}×${height} | ${cells.join(' | ')} |`)
}
if (process.platform === 'linux') {
  const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${decoder.pid}/status`, 'utf8')) ?? []
  console.log(`\nmemory of the process: ${(Number(kilobytes) / 1024).toFixed()} MiB`)
}

async function millisecondsOf(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now()
  await work()
  return performance.now() - begin
}
