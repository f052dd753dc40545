/**
 * How far models agree with a teacher on photos that have no measured depth:
 *
 *     npx tsx scripts/agreement.ts --photos DATA/taught [--last 64] [--threads 1] MODEL…
 *
 * The frames that a recipe is judged by are not the photos that a user takes, and a model that fails on those shows it in no figure
 * (docs/log/dar-nano, third run). So here is one: the correlation of the model's inverse depth with the teacher's over the pixels of a
 * photo, which scale and shift do not change. Printed are its mean and its least value over the photos, and how many are not positive. It
 * tells a broken model from a sound one. It does not tell a good one from a better one: the teacher is no truth. And a map of hardly any depth can
 * correlate well (docs/log/dar-nano, thirteenth run), so the contrast is printed beside it: the standard deviation of ln depth within a photo, median over
 * the photos, of the model and of the teacher.
 *
 * The photos are the last N of a folder that scripts/teacher.ts wrote. Hold them out in the recipe's source:
 * `split: { kind: 'tail', fraction: 0.04, gap: 0 }`.
 */
import { parseArgs } from 'node:util'
import { folderDataset } from '../src/data/index.ts'
import type { DepthImage } from '../src/image/index.ts'
import { loadModel } from '../src/node/index.ts'
import { DarError, messageOf } from '../src/support/errors.ts'
import { median } from '../src/support/median.ts'
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

/** Standard deviation of ln d over the pixels above 0. */
function contrast({ data }: DepthImage): number {
  let [n, sum, squares] = [0, 0, 0]
  for (const d of data) {
    if (!(d > 0)) continue
    n++
    sum += Math.log(d)
    squares += Math.log(d) ** 2
  }
  return Math.sqrt(Math.max(0, squares / n - (sum / n) ** 2))
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
    const [own, taught]: number[][] = [[], []]
    for (let i = from; i < photos.length; i++) {
      const { image, depth } = await photos.get(i)
      if (!depth) continue
      const map = await model.predict(image)
      all.push(correlation(map, depth))
      own.push(contrast(map))
      taught.push(contrast(depth))
    }
    const mean = all.reduce((sum, r) => sum + r, 0) / all.length
    const negative = all.filter((r) => !(r > 0)).length
    say(
      `${name}: correlation ${mean.toFixed(3)}, least ${Math.min(...all).toFixed(3)}, ${negative} of ${all.length} not positive; contrast ${median(own).toFixed(2)}, the teacher's ${median(taught).toFixed(2)}`,
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
