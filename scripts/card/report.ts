/** The figures of a card as Markdown tables. Every table says under which protocol its figures were measured. */
import type { Evaluation } from '../../src/eval/index.ts'
import type { PixelMetrics } from '../../src/eval/metrics.ts'
import { describeProtocol, type Region } from '../../src/eval/protocol.ts'
import { assert } from '../../src/support/errors.ts'

export interface Judged {
  readonly predictor: string
  readonly evaluations: readonly Evaluation[]
}

export interface SetFigures {
  readonly name: string
  readonly note: string
  readonly results: readonly Judged[]
}

const COLUMNS = ['abs_rel', 'rmse', 'd1', 'd2', 'd3'] as const satisfies (keyof PixelMetrics)[]

/** One region: a row for each set and predictor, first metric figures, then median-scaled ones. */
export function regionTable(sets: readonly SetFigures[], region: Region): string {
  const rows = sets.flatMap(({ name, results }) =>
    results.flatMap(({ predictor, evaluations }) => {
      const metric = find(evaluations, region, 'none')
      const scaled = find(evaluations, region, 'median')
      if (!metric || !scaled) return []
      return [
        [
          name,
          predictor,
          `${metric.images}`,
          ...figures(metric.metrics),
          ...figures(scaled.metrics),
          metric.medianScale.toFixed(2),
        ],
      ]
    }),
  )
  const header = ['set', 'predictor', 'images', ...COLUMNS, ...COLUMNS.map((name) => `${name} (m-s)`), 'scale']
  const protocol = sets[0].results.flatMap(({ evaluations }) => find(evaluations, region, 'none') ?? [])[0]?.protocol
  assert(protocol, `nothing was measured over ${region}`)
  return [
    `Protocol: ${describeProtocol(protocol)}; (m-s): ${describeProtocol({ ...protocol, alignment: 'median' })}.`,
    'Metrics per image, then the mean over images; rmse in metres; scale: mean of median(truth) / median(prediction).',
    '',
    table(header, rows),
  ].join('\n')
}

/** D_1 … D_K of one predictor. */
export function stepTable(sets: readonly SetFigures[], predictor: string): string | null {
  const found = sets.flatMap(({ name, results }) => {
    const evaluations = results.find((result) => result.predictor === predictor)?.evaluations ?? []
    return evaluations.filter(({ steps }) => steps.length > 0).map((evaluation) => ({ name, evaluation }))
  })
  if (found.length === 0) return null
  const rows = found.flatMap(({ name, evaluation: { steps, metrics } }) => [
    ...steps.map((step, k) => [name, `D${k + 1}`, ...figures(step)]),
    [name, 'output', ...figures(metrics)],
  ])
  return [
    `Protocol: ${describeProtocol(found[0].evaluation.protocol)}.`,
    '',
    table(['set', 'map', ...COLUMNS], rows),
  ].join('\n')
}

/** The `count` frames with the highest abs_rel. */
export function worstFrames({ frames }: Evaluation, count = 3) {
  return frames.toSorted((a, b) => b.metrics.abs_rel - a.metrics.abs_rel).slice(0, count)
}

export function find(evaluations: readonly Evaluation[], region: Region, alignment: string): Evaluation | undefined {
  return evaluations.find(({ protocol }) => protocol.region === region && protocol.alignment === alignment)
}

export function figures(metrics: PixelMetrics): string[] {
  return COLUMNS.map((name) => metrics[name].toFixed(3))
}

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')
}
