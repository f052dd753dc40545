/** The first picture of the README: what its caption says of the model that ships. */
import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { folderDataset } from '../src/data/index.ts'
import { evaluate, modelPredictor } from '../src/eval/index.ts'
import { INDOOR_RANGE } from '../src/eval/protocol.ts'
import { decodeImage, loadModel } from '../src/node/index.ts'

const ROOM = new URL('../examples/room/', import.meta.url)

it('states the error of dar-nano on the example room', async () => {
  await using model = await loadModel('dar-nano')
  const protocols = [{ region: 'full', ...INDOOR_RANGE, alignment: 'none' } as const]
  const [{ metrics }] = await evaluate(await folderDataset(ROOM.pathname), modelPredictor(model), { protocols })
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const [, percent, absRel] = readme.match(/off by (\d+) % on average here \(abs_rel\s+(\d\.\d+)/) ?? []
  expect(Number(absRel)).toBeCloseTo(metrics.abs_rel, 3)
  expect(Number(percent)).toBe(Math.round(100 * metrics.abs_rel))
})

it('has the focal length of its camera in EXIF', async () => {
  const frame = await (await folderDataset(ROOM.pathname)).get(0)
  const photo = await decodeImage(await readFile(new URL('rgb/room.jpg', ROOM)))
  const { width, height } = frame.image
  expect(photo.focal35).toBeCloseTo((frame.intrinsics!.fx * Math.hypot(36, 24)) / Math.hypot(width, height), 1)
})
