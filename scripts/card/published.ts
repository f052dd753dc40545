/**
 * Checks that this evaluator reproduces the published figures of FastDepth: the first 60 frames of each set, FastDepth
 * and the trivial predictors built from *all* frames (as in the publication), beside `fastdepth_baseline.json`.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { folderDataset, REAL_SETS } from '../../src/data/index.ts'
import { constantPredictor, DepthStatistics, depthStatistics, mapPredictor } from '../../src/eval/baselines.ts'
import { evaluate, type Predictor } from '../../src/eval/index.ts'
import { describeProtocol, INDOOR_RANGE, type Protocol } from '../../src/eval/protocol.ts'
import { DarError, messageOf } from '../../src/support/errors.ts'
import { table } from './report.ts'
import { remembered } from './sets.ts'

const NAMES = ['abs_rel', 'rmse', 'd1', 'd2', 'd3'] as const
const FRAMES = 60

const row = z.object({ abs_rel: z.number(), rmse: z.number(), d1: z.number(), d2: z.number(), d3: z.number() })
const baselineFile = z.object({
  sets: z.record(z.string(), z.object({ crop_native: z.record(z.string(), z.object({ metric: row, median: row })) })),
})

/** A Markdown table, measured / published. `data` holds the three sets, `peers` the JSON. Throws a DarError for a missing file. */
export async function repeatPublished(
  data: string,
  peers: string,
  fastDepth: Predictor,
  onRead: (what: string) => void,
): Promise<string> {
  const published = await readPublished(join(peers, 'fastdepth_baseline.json'))
  const pooled = new DepthStatistics()
  const own = new Map<string, DepthStatistics>()
  for (const set of REAL_SETS) {
    onRead(`${set}: all frames, for the trivial predictors`)
    const statistics = await depthStatistics(await folderDataset(join(data, set)))
    own.set(set, statistics)
    pooled.merge(statistics)
  }
  const protocols = (['none', 'median'] as const).map(
    (alignment): Protocol => ({ region: 'crop_native', ...INDOOR_RANGE, alignment }),
  )
  const rows: string[][] = []
  let furthest = 0
  for (const set of REAL_SETS) {
    onRead(`${set}: first ${FRAMES} frames`)
    const { names } = await folderDataset(join(data, set))
    const frames = remembered(await folderDataset(join(data, set), { names: names.slice(0, FRAMES) }))
    const predictors: Record<string, Predictor> = {
      fastdepth: fastDepth,
      constant: constantPredictor(pooled.constant()),
      mean_map: mapPredictor(pooled.meanMap()),
      mean_map_same_set: mapPredictor((own.get(set) ?? pooled).meanMap()),
    }
    for (const [predictor, predict] of Object.entries(predictors)) {
      const [metric, scaled] = await evaluate(frames, predict, { protocols })
      const theirs = published.sets[set]?.crop_native[predictor]
      if (!theirs)
        throw new DarError(`fastdepth_baseline.json has no ${predictor} for ${set}; use the file of the peers`)
      const pairs = [
        ...NAMES.map((name) => [metric.metrics[name], theirs.metric[name]]),
        ...NAMES.map((name) => [scaled.metrics[name], theirs.median[name]]),
      ]
      if (predictor === 'fastdepth')
        furthest = Math.max(furthest, ...pairs.map(([measured, expected]) => Math.abs(measured / expected - 1)))
      rows.push([
        set,
        predictor,
        ...pairs.map(([measured, expected]) => `${measured.toFixed(3)} / ${expected.toFixed(3)}`),
      ])
    }
  }
  const header = ['set', 'predictor', ...NAMES, ...NAMES.map((name) => `${name} (m-s)`)]
  return [
    `First ${FRAMES} frames of each set, measured here / published. Protocol: ${protocols.map(describeProtocol).join('; (m-s): ')}.`,
    `Largest difference of a FastDepth figure: ${(100 * furthest).toFixed(1)} %.`,
    '',
    table(header, rows),
  ].join('\n')
}

async function readPublished(path: string): Promise<z.infer<typeof baselineFile>> {
  try {
    return baselineFile.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    throw new DarError(
      `cannot read the published figures in ${path}: ${messageOf(error)}; name the folder of the peers`,
    )
  }
}
