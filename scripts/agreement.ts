/**
 * How far models agree with a teacher on photos that have no measured depth:
 *
 *     npx tsx scripts/agreement.ts --photos DATA/taught [--last 64] [--threads 1] MODEL…
 *
 * The frames that a recipe is judged by are not the photos that a user takes, and a model that fails on those shows it in no figure
 * (docs/log/dar-nano, third run). So here is one: the correlation of the model's inverse depth with the teacher's over the pixels of a
 * photo, which scale and shift do not change. Printed are its mean and its least value over the photos, and how many are not positive. It
 * tells a broken model from a sound one. It does not tell a good one from a better one: the teacher is no truth.
 *
 * The photos are the last N of a folder that scripts/teacher.ts wrote. Hold them out in the recipe's source:
 * `split: { kind: 'tail', fraction: 0.04, gap: 0 }`.
 */
import { parseArgs } from 'node:util'
import { folderDataset } from '../src/data/index.ts'
import type { DepthImage } from '../src/image/index.ts'
import { loadModel } from '../src/node/index.ts'
import { DarError, messageOf } from '../src/support/errors.ts'
import { say } from './designs/trial.ts'

/** Pearson's correlation of 1/a and 1/b where both are positive, b read at the nearest pixel. */
function correlation(a: DepthImage, b: DepthImage): number {
  let [n, sa, sb, saa, sbb, sab] = [0, 0, 0, 0, 0, 0]
  for (let y = 0; y < a.height; y++) {
    const row = Math.floor(((y + 0.5) * b.height) / a.height) * b.width
    for (let x = 0; x < a.width; x++) {
      const [p, q] = [a.data[y * a.width + x], b.data[row + Math.floor(((x + 0.5) * b.width) / a.width)]]
      if (!(p > 0 && q > 0)) continue
      const [u, v] = [1 / p, 1 / q]
      n++
      sa += u
      sb += v
      saa += u * u
      sbb += v * v
      sab += u * v
    }
  }
  return (n * sab - sa * sb) / Math.sqrt((n * saa - sa * sa) * (n * sbb - sb * sb))
}

async function main() {
  const { values, positionals } = parseArgs({
    options: {
      photos: { type: 'string' },
      last: { type: 'string', default: '64' },
      threads: { type: 'string', default: '1' },
    },
    allowPositionals: true,
  })
  if (!values.photos) throw new DarError('--photos is missing; name a folder that scripts/teacher.ts wrote')
  const photos = await folderDataset(values.photos)
  const from = Math.max(0, photos.length - Number(values.last))
  for (const name of positionals) {
    await using model = await loadModel(name, { threads: Number(values.threads) })
    const all: number[] = []
    for (let i = from; i < photos.length; i++) {
      const { image, depth } = await photos.get(i)
      if (depth) all.push(correlation(await model.predict(image), depth))
    }
    const mean = all.reduce((sum, r) => sum + r, 0) / all.length
    const negative = all.filter((r) => !(r > 0)).length
    say(
      `${name}: correlation ${mean.toFixed(3)}, least ${Math.min(...all).toFixed(3)}, ${negative} of ${all.length} not positive`,
    )
  }
}

try {
  await main()
} catch (error) {
  if (!(error instanceof DarError)) throw error
  say(`agreement: ${messageOf(error)}`)
  process.exitCode = 1
}
