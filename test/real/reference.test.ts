/**
 * `dar eval` and the PyTorch reference agree on real ground truth: the same predictions, made bit for bit from the first
 * eight frames of each set (made-predictions.ts), were scored once by the reference's `image_metrics` in float64
 * (reference-figures.json), and are scored here through files and the command line. Looks for the frames in
 * $DAR_REAL_DATA or ../shared/data, and skips itself where they are not there.
 */
import { existsSync, readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { registerEval } from '../../src/cli/eval.ts'
import { createProgram } from '../../src/cli/program.ts'
import { folderDataset, REAL_SETS } from '../../src/data/index.ts'
import { encodeNpy } from '../../src/image/index.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { madePrediction } from './made-predictions.ts'

const root = process.env.DAR_REAL_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url))
const sets = REAL_SETS.filter((name) => existsSync(join(root, name)))
const reference: { sets: Record<string, Record<string, Record<string, number>>> } = JSON.parse(
  readFileSync(new URL('./reference-figures.json', import.meta.url), 'utf8'),
)
const WHOLE = { region: 'full', minimum: 1e-3, cap: 10, resize: 'none' }

describe.skipIf(sets.length === 0)('dar eval --predictions', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await temporaryFolder()
    vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  })
  afterEach(async () => {
    vi.restoreAllMocks()
  })

  it.each(sets)('%s: the figures of the reference to 1e-6', { timeout: 120_000 }, async (set) => {
    const { names } = await folderDataset(join(root, set))
    const frames = await folderDataset(join(root, set), { names: names.slice(0, 8) })
    for (let i = 0; i < frames.length; i++) {
      const { depth } = await frames.get(i)
      if (!depth) throw new Error(`${set} has depth`)
      const bytes = encodeNpy(madePrediction(depth), [depth.height, depth.width])
      await writeFile(join(folder, `${frames.names[i]}.npy`), bytes)
    }
    for (const [alignment, expected] of Object.entries(reference.sets[set])) {
      const protocol = join(folder, 'protocol.json')
      const json = join(folder, 'figures.json')
      await writeFile(protocol, JSON.stringify({ ...WHOLE, alignment }))
      const line = ['eval', '--data', join(root, set), '--limit', '8', '--predictions', folder]
      await createProgram([registerEval], '0.0.0').parseAsync([...line, '--protocol', protocol, '--json', json], {
        from: 'user',
      })
      const record = JSON.parse(await readFile(json, 'utf8'))
      expect(record.images).toBe(8)
      expect(record.bad.nan).toBeGreaterThan(0)
      expect(Object.keys(expected)).toHaveLength(10)
      for (const [name, value] of Object.entries(expected))
        expect(Math.abs(record.metrics[name] - value), `${alignment} ${name}`).toBeLessThan(1e-6)
    }
  })
})
