/**
 * The evaluator repeats published figures: FastDepth on the first 60 hololens frames, as in fastdepth_baseline.json beside the
 * network; once in memory, once as somebody else's maps: written to files and scored by `dar eval --predictions`. Looks for the frames in $DAR_REAL_DATA or ../shared/data, for the network in $DAR_PEERS or ../shared/peers beside
 * the repository, and skips itself where either is not there.
 */
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import { fastDepthBox, loadFastDepth } from '../../scripts/card/fastdepth.ts'
import { registerEval } from '../../src/cli/eval.ts'
import { createProgram } from '../../src/cli/program.ts'
import { folderDataset } from '../../src/data/index.ts'
import { evaluate } from '../../src/eval/evaluator.ts'
import { INDOOR_RANGE } from '../../src/eval/protocol.ts'
import { encodeNpy } from '../../src/image/index.ts'

const beside = (name: string) => fileURLToPath(new URL(`../../../shared/${name}`, import.meta.url))
const data = join(process.env.DAR_REAL_DATA ?? beside('data'), 'hololens')
const peers = process.env.DAR_PEERS ?? beside('peers')
const missing = [data, join(peers, 'fastdepth.onnx'), join(peers, 'fastdepth_baseline.json')].some(
  (path) => !existsSync(path),
)

it('the box in whole pixels', () => {
  expect(fastDepthBox(640, 480)).toEqual({ left: 28, top: 21, width: 584, height: 438 })
  expect(fastDepthBox(540, 360)).toEqual({ left: 52, top: 16, width: 437, height: 328 })
})

describe.skipIf(missing)('FastDepth', () => {
  it('scores on hololens what was published, within 1 %', { timeout: 300_000 }, async () => {
    const { names } = await folderDataset(data)
    const frames = await folderDataset(data, { names: names.slice(0, 60) })
    const network = await loadFastDepth(peers)
    const protocols = [{ region: 'crop_native', ...INDOOR_RANGE, alignment: 'none' }] as const
    const [{ metrics }] = await evaluate(frames, ({ image }) => network.predict(image), { protocols })
    await network.dispose()
    const published = JSON.parse(readFileSync(join(peers, 'fastdepth_baseline.json'), 'utf8'))
    const theirs = published.sets.hololens.crop_native.fastdepth.metric
    for (const name of ['abs_rel', 'rmse', 'd1', 'd2', 'd3'] as const)
      expect(Math.abs(metrics[name] / theirs[name] - 1), name).toBeLessThan(0.01)
  })

  it('scores the same through files and the command line, metric and median-scaled', { timeout: 300_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dar-fastdepth-'))
    vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    try {
      const { names } = await folderDataset(data)
      const frames = await folderDataset(data, { names: names.slice(0, 60) })
      const network = await loadFastDepth(peers)
      for (let i = 0; i < frames.length; i++) {
        const map = await network.predict((await frames.get(i)).image)
        await writeFile(join(folder, `${frames.names[i]}.npy`), encodeNpy(map.data, [map.height, map.width]))
      }
      await network.dispose()
      const published = JSON.parse(readFileSync(join(peers, 'fastdepth_baseline.json'), 'utf8'))
      for (const [alignment, key] of [
        ['none', 'metric'],
        ['median', 'median'],
      ] as const) {
        const json = join(folder, 'figures.json')
        const line = ['eval', '--data', data, '--limit', '60', '--predictions', folder, '--protocol', 'fastdepth']
        const program = createProgram([registerEval], '0.0.0')
        await program.parseAsync([...line, '--align', alignment, '--json', json], { from: 'user' })
        const { metrics } = JSON.parse(readFileSync(json, 'utf8'))
        const theirs = published.sets.hololens.crop_native.fastdepth[key]
        for (const name of ['abs_rel', 'rmse', 'd1', 'd2', 'd3'])
          expect(Math.abs(metrics[name] / theirs[name] - 1), `${key} ${name}`).toBeLessThan(0.01)
      }
    } finally {
      vi.restoreAllMocks()
      await rm(folder, { recursive: true })
    }
  })
})
