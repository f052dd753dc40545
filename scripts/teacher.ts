/**
 * Labels photos without depth with the depth that FastDepth predicts, so that a recipe can learn shapes from them:
 *
 *     npx tsx scripts/teacher.ts --photos PHOTOS --peers DIR --out DATA/taught [--limit N] [--threads 2] [--force]
 *
 * PHOTOS is a folder of JPEG, PNG or WebP files (or has them in rgb/). DIR holds fastdepth.onnx. After an interruption the same command
 * goes on. Labels that exist are not written again, except with --force. --limit takes N photos, spread over the folder, for a first
 * look. The recipe then needs `loss: { teacher: 0.1 }` in every stage, and this source:
 *
 *     { kind: 'dataset', name: 'taught', path: 'taught', options: { layout: 'folder' }, weight: 1, teacher: true }
 *
 * FastDepth was trained on rooms (NYU Depth v2) and is only good there. Photos that a test uses must not be among PHOTOS; or hold
 * them out in the source's `split`.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { photosDataset } from '../src/data/index.ts'
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
      out: { type: 'string' },
      limit: { type: 'string' },
      threads: { type: 'string', default: '2' },
      force: { type: 'boolean', default: false },
    },
  })
  const { photos, peers, out, force } = values
  if (!photos) throw new DarError('--photos is missing; name a folder of photos')
  if (!peers) throw new DarError('--peers is missing; name the folder that holds fastdepth.onnx')
  if (!out) throw new DarError('--out is missing; name the folder to write the labelled photos to')
  const count = (name: string, text: string) => {
    const number = Number(text)
    if (!Number.isInteger(number) || number < 1)
      throw new DarError(`--${name} is ${text}; give a whole number of at least 1`)
    return number
  }
  const limit = values.limit === undefined ? Number.POSITIVE_INFINITY : count('limit', values.limit)
  return { photos, peers, out, force, limit, threads: count('threads', values.threads) }
}

async function main() {
  const { photos: folder, peers, out, force, limit, threads } = readOptions()
  const photos = few(await photosDataset(folder), limit)
  const fastDepth = await loadFastDepth(peers, { threads })
  const weights = createHash('sha256')
    .update(await readFile(join(peers, 'fastdepth.onnx')))
    .digest('hex')
  const teacher: Teacher = { name: 'FastDepth', weights, predict: ({ image }) => fastDepth.predict(image) }
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
    await fastDepth.dispose()
  }
}

try {
  await main()
} catch (error) {
  if (!(error instanceof DarError) && !(error instanceof TypeError && 'code' in error)) throw error
  say(`teacher: ${messageOf(error)}`)
  process.exitCode = 1
}
