/**
 * Labels photos without depth with the depth that FastDepth or a model of this project predicts, so that a recipe can learn shapes from them:
 *
 *     npx tsx scripts/teacher.ts --photos PHOTOS (--peers DIR | --model MODEL) --out DATA/taught [--limit N] [--threads 2] [--force]
 *
 * PHOTOS is a folder of JPEG, PNG or WebP files (or has them in rgb/). DIR holds fastdepth.onnx. Of a MODEL the label is the geometric mean of
 * its predictions at the sizes that it was trained at, each of the photo and its mirror image: better than what it predicts at once, so that it
 * can learn from itself, from photos that the loader then blurs, compresses and turns grey. After an interruption the same command
 * goes on. Labels that exist are not written again, except with --force. --limit takes N photos, spread over the folder, for a first
 * look. The recipe then needs `loss: { teacher: 0.1 }` in every stage, and this source:
 *
 *     { kind: 'dataset', name: 'taught', path: 'taught', options: { layout: 'folder' }, weight: 1, teacher: true }
 *
 * FastDepth was trained on rooms (NYU Depth v2) and is only good there. The labels of a model are right up to scale and shift at best, too. Photos that a test uses must not be among PHOTOS; or hold
 * them out in the source's `split`.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { photosDataset } from '../src/data/index.ts'
import type { Predictor } from '../src/eval/index.ts'
import { loadModel } from '../src/node/index.ts'
import { resolveModelPath } from '../src/node/model-path.ts'
import { DarError, messageOf } from '../src/support/errors.ts'
import { createProgress } from '../src/support/progress.ts'
import { loadFastDepth } from './card/fastdepth.ts'
import { few, say } from './designs/trial.ts'
import { labelPhotos, type Teacher } from './teacher/labels.ts'

function readOptions() {
  const { values } = parseArgs({
    options: {
      photos: { type: 'string' },
      peers: { type: 'string' },
      model: { type: 'string' },
      out: { type: 'string' },
      limit: { type: 'string' },
      threads: { type: 'string', default: '2' },
      force: { type: 'boolean', default: false },
    },
  })
  const { photos, peers, model, out, force } = values
  if (!photos) throw new DarError('--photos is missing; name a folder of photos')
  if ((peers === undefined) === (model === undefined))
    throw new DarError(
      'give one teacher: --peers, the folder that holds fastdepth.onnx, or --model, a model of this project',
    )
  if (!out) throw new DarError('--out is missing; name the folder to write the labelled photos to')
  const count = (name: string, text: string) => {
    const number = Number(text)
    if (!Number.isInteger(number) || number < 1)
      throw new DarError(`--${name} is ${text}; give a whole number of at least 1`)
    return number
  }
  const limit = values.limit === undefined ? Number.POSITIVE_INFINITY : count('limit', values.limit)
  return { photos, peers, model, out, force, limit, threads: count('threads', values.threads) }
}

const hashOf = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex')

type Disposable = Teacher & { dispose(): Promise<void> }

async function fastDepthTeacher(peers: string, threads: number): Promise<Disposable> {
  const fastDepth = await loadFastDepth(peers, { threads })
  const weights = await hashOf(join(peers, 'fastdepth.onnx'))
  const predict: Predictor = ({ image }) => fastDepth.predict(image)
  return { name: 'FastDepth', weights, predict, dispose: () => fastDepth.dispose() }
}

async function modelTeacher(name: string, threads: number): Promise<Disposable> {
  const model = await loadModel(name, { threads })
  const predict: Predictor = async ({ image }) => {
    const upright = image.height > image.width
    const own = model.trainedSizes.filter(({ width, height }) => height > width === upright)
    const maps: Float32Array[] = []
    // Without a size of this shape: at the model's own choice.
    for (const size of own.length > 0 ? own : [undefined]) maps.push((await model.predict(image, { size })).depth)
    const mean = (i: number) => Math.exp(maps.reduce((sum, map) => sum + Math.log(map[i]), 0) / maps.length)
    return { width: image.width, height: image.height, data: maps[0].map((_, i) => mean(i)) }
  }
  return { name: model.name, weights: await hashOf(resolveModelPath(name)), predict, dispose: () => model.dispose() }
}

async function main() {
  const { photos: folder, peers, model, out, force, limit, threads } = readOptions()
  const photos = few(await photosDataset(folder), limit)
  const teacher =
    peers === undefined ? await modelTeacher(model ?? '', threads) : await fastDepthTeacher(peers, threads)
  let progress: ReturnType<typeof createProgress> | undefined
  try {
    const { written, resumed } = await labelPhotos(photos, teacher, out, {
      force,
      onProgress: (done, from, photo) => {
        progress ??= createProgress({ total: photos.length, label: 'photos', from })
        progress.update(done, photo)
      },
    })
    progress?.done()
    say(`${out}: ${written} photos labelled, ${resumed} were there before`)
  } finally {
    progress?.done()
    await teacher.dispose()
  }
}

try {
  await main()
} catch (error) {
  if (!(error instanceof DarError) && !(error instanceof TypeError && 'code' in error)) throw error
  say(`teacher: ${messageOf(error)}`)
  process.exitCode = 1
}
