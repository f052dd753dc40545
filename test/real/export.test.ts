/**
 * What lower precision costs on real frames: dar-nano exported in float16 and int8 against its float32 export, every 25th
 * held-out frame of the real sets, at the size that it predicts at. Looks in $DAR_REAL_DATA, else in ../shared/data beside the
 * repository, and skips itself where neither is there. `DAR_EXPORT_REPORT=1` prints the figures, `DAR_EXPORT_EVERY=5` takes
 * more frames, `DAR_EXPORT_MODEL` another model of a MobileNet encoder.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { loadExport } from '../../bench/export.ts'
import { folderDataset, REAL_SETS, SPLITS, splitNames, wholeFrame } from '../../src/data/index.ts'
import { judge } from '../../src/eval/index.ts'
import { openModel } from '../../src/node/index.ts'
import { Engine } from '../../src/runtime/engine.ts'

const root = process.env.DAR_REAL_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url))
const sets = REAL_SETS.filter((name) => existsSync(join(root, name)))
const size = { width: 256, height: 192 }
const every = Number(process.env.DAR_EXPORT_EVERY ?? 25)
const PRECISIONS = ['fp32', 'fp16', 'int8'] as const
const PROTOCOL = { region: 'full', minimum: 1e-3, cap: 10, alignment: 'none' } as const
/** Largest change of abs_rel, and mean relative change of the maps. */
const LIMIT = { fp16: 0.01, int8: 0.03 } as const

describe.skipIf(sets.length === 0)('a lower precision on real frames', () => {
  it('changes abs_rel and maps by less than 1 % (fp16) and 3 % (int8)', { timeout: 300_000 }, async () => {
    await using engine = new Engine({ threads: 1 })
    const file = await openModel(process.env.DAR_EXPORT_MODEL ?? 'dar-nano', { mapAbove: Number.POSITIVE_INFINITY })
    const programs = await Promise.all(PRECISIONS.map((precision) => loadExport(engine, file, size, precision)))
    const absRel: number[] = [0, 0, 0]
    const change: number[] = [0, 0, 0]
    let frames = 0
    for (const name of sets) {
      const all = await folderDataset(join(root, name))
      const { test } = splitNames(all.names, SPLITS[name])
      const dataset = await folderDataset(join(root, name), { names: test.filter((_, i) => i % every === 0) })
      for (let i = 0; i < dataset.length; i++) {
        const frame = await dataset.get(i)
        const sample = wholeFrame(frame, size)
        const pixel_values = sample.image.map((value) => 2 * value - 1) // as MobileNetV2 takes it
        const maps: Float32Array[] = []
        for (const program of programs) maps.push((await program.run({ pixel_values })).predicted_depth as Float32Array)
        const seen = { ...frame, depth: { ...size, data: sample.depth } }
        const scores = maps.map((data) => judge(seen, { ...size, data }, { protocols: [PROTOCOL] })[0]?.metrics.abs_rel)
        if (scores.some((score) => score === undefined)) continue
        frames++
        for (const [p, map] of maps.entries()) {
          absRel[p] += scores[p] ?? Number.NaN
          change[p] += map.reduce((sum, d, j) => sum + Math.abs(d / maps[0][j] - 1), 0) / map.length
        }
      }
    }
    if (process.env.DAR_EXPORT_REPORT)
      console.log(frames, 'frames', { absRel: absRel.map((v) => v / frames), change: change.map((v) => v / frames) })
    expect(frames).toBeGreaterThan(5)
    for (const [p, precision] of PRECISIONS.entries()) {
      if (precision === 'fp32') continue
      expect(Math.abs(absRel[p] / absRel[0] - 1), `${precision}: abs_rel`).toBeLessThan(LIMIT[precision])
      expect(change[p] / frames, `${precision}: maps`).toBeLessThan(LIMIT[precision])
      expect(change[p], `${precision} is not float32 again`).toBeGreaterThan(0)
    }
  })
})
