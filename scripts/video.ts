/**
 * The figures of docs/video.md: what smoothing gains on a camera that stands still and costs on a walk.
 *
 *     npx tsx scripts/video.ts --still FOLDER --walk FOLDER [--model NAME|FILE] [--threads N]
 *
 * --still: a folder of pictures, one video of a camera on a stand. --walk: a folder data set with measured depth whose frames, in the order
 * of their names, are a video. Prints two tables.
 */
import { parseArgs } from 'node:util'
import { loadModel } from '../src/node/index.ts'
import { DarError, messageOf } from '../src/support/errors.ts'
import { measureStill, measureWalk, type Pair } from './video/figures.ts'

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      still: { type: 'string' },
      walk: { type: 'string' },
      model: { type: 'string', default: 'dar-nano' },
      threads: { type: 'string', default: '1' },
    },
  })
  const { still, walk, model: name, threads } = values
  if (!still && !walk) throw new DarError('there is nothing to measure; give --still or --walk')
  await using model = await loadModel(name, { threads: Number(threads), idle: 'sleep' })
  const onFrame = () => void process.stderr.write('.')
  const row = (title: string, { raw, smooth }: Pair) =>
    `| ${title} | ${raw.toFixed(4)} | ${smooth.toFixed(4)} | ${(smooth / raw).toFixed(3)} |`
  const lines = ['| measure | raw | smoothed | ratio |', '| --- | --- | --- | --- |']
  if (still) {
    const figures = await measureStill(model, still, { onFrame })
    lines.push(
      row(`stand, ${figures.frames} frames: deviation of ln d over time, all pixels`, figures.deviation),
      row(`stand: the same, pixels that stand still (${Math.round(100 * figures.still)} %)`, figures.stillDeviation),
      row('stand: change of ln d from frame to frame', figures.step),
    )
  }
  if (walk)
    for (const heldOut of [false, true]) {
      const figures = await measureWalk(model, walk, { heldOut, onFrame })
      lines.push(row(`walk, ${figures.frames} frames${heldOut ? ' held out' : ''}: abs_rel`, figures.absRel))
    }
  process.stdout.write(`\n${lines.join('\n')}\n`)
}

main().catch((error: unknown) => {
  if (!(error instanceof DarError)) throw error
  process.stderr.write(`${messageOf(error)}\n`)
  process.exitCode = 1
})
