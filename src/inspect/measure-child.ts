/** The process of measure.ts: predicts, and prints time and memory as JSON. */

import { loadModel } from '../node/load-model.ts'
import { messageOf } from '../support/errors.ts'
import { peakResidentBytes } from '../support/processes.ts'
import { Random } from '../support/random.ts'
import type { Measured, MeasureRequest } from './measure.ts'

async function measure({
  model: path,
  size,
  threads,
  provider,
  runs = 1,
  mapAbove,
}: MeasureRequest): Promise<Measured> {
  const random = new Random(1)
  const data = Uint8Array.from({ length: 3 * size.width * size.height }, () => random.integer(0, 256))
  const begin = performance.now()
  await using model = await loadModel(path, {
    threads,
    device: provider,
    size,
    ...(mapAbove === undefined ? {} : { mapAbove }),
  })
  const open = performance.now() - begin
  let run = Number.POSITIVE_INFINITY
  let compile = 0
  let last = await model.predict({ ...size, data })
  compile = last.milliseconds.compile
  run = last.milliseconds.run
  for (let i = 1; i < runs; i++) {
    last = await model.predict({ ...size, data })
    run = Math.min(run, last.milliseconds.run)
  }
  const range = [last.depth.reduce((a, b) => Math.min(a, b)), last.depth.reduce((a, b) => Math.max(a, b))] as const
  return { peakBytes: peakResidentBytes(), networkSize: last.networkSize, milliseconds: { open, compile, run }, range }
}

try {
  process.stdout.write(JSON.stringify(await measure(JSON.parse(process.argv[2]) as MeasureRequest)))
} catch (error) {
  process.stderr.write(messageOf(error))
  process.exitCode = 1
}
