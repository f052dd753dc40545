/**
 * The evaluator repeats published figures: FastDepth on the first 60 frames of three sets, as in fastdepth_baseline.json beside
 * the network, as somebody else's maps: written to files and scored by `dar eval --predictions`. Looks for the frames in
 * $DAR_REAL_DATA or ../shared/data, for the network in $DAR_PEERS or ../shared/peers beside the repository, and skips itself
 * where either is not there.
 */
import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import { loadFastDepth } from '../../scripts/card/fastdepth.ts'
import { registerEval } from '../../src/cli/eval.ts'
import { createProgram } from '../../src/cli/program.ts'
import { folderDataset, REAL_SETS } from '../../src/data/index.ts'
import { encodeNpy } from '../../src/image/index.ts'
import { temporaryFolder } from '../temporary-folder.ts'

const beside = (name: string) => fileURLToPath(new URL(`../../../shared/${name}`, import.meta.url))
const root = process.env.DAR_REAL_DATA ?? beside('data')
const peers = process.env.DAR_PEERS ?? beside('peers')
const missing = [
  ...REAL_SETS.map((set) => join(root, set)),
  join(peers, 'fastdepth.onnx'),
  join(peers, 'fastdepth_baseline.json'),
].some((path) => !existsSync(path))

describe.skipIf(missing)('FastDepth', () => {
  it.each(REAL_SETS)(
    'scores on %s what was published, within one per cent, metric and median-scaled',
    async (set) => {
      const data = join(root, set)
      const folder = await temporaryFolder()
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
          const theirs = published.sets[set].crop_native.fastdepth[key]
          for (const name of ['abs_rel', 'rmse', 'd1', 'd2', 'd3'])
            expect(Math.abs(metrics[name] / theirs[name] - 1), `${key} ${name}`).toBeLessThan(0.01)
        }
      } finally {
        vi.restoreAllMocks()
      }
    },
    300_000,
  )
})
