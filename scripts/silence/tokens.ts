/** Tokens that say the same of every picture. For scripts/silence.ts. */
import type { DarConfig } from '../../src/model/index.ts'
import type { NamedValues, Weights } from '../../src/runtime/weights.ts'
import { DarError } from '../../src/support/errors.ts'

/** The channels of one token, or of h at its place. */
export type Place = ArrayLike<number>

const EPSILON = 1e-5

function meanOf(places: readonly Place[]): Float64Array {
  const mean = new Float64Array(places[0].length)
  for (const place of places) for (let c = 0; c < mean.length; c++) mean[c] += place[c] / places.length
  return mean
}

function distance2(a: Place, b: Place): number {
  let sum = 0
  for (let c = 0; c < a.length; c++) sum += (a[c] - b[c]) ** 2
  return sum
}

const average = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

/** Variance between pictures, and between the places of a picture, by the square of the mean; sums over the channels. */
export function spreadOf(pictures: readonly (readonly Place[])[]): {
  readonly pictures: number
  readonly places: number
} {
  const means = pictures.map(meanOf)
  const mean = meanOf(means)
  const square = distance2(mean, new Float64Array(mean.length))
  return {
    pictures: average(means.map((own) => distance2(own, mean))) / square,
    places: average(pictures.map((places, i) => average(places.map((place) => distance2(place, means[i]))))) / square,
  }
}

/**
 * The model whose transformer gives nothing, and whose `level_k` is what its tokens made of it on average:
 * level_k ← level_k + W·mean(y_out^k), with W the conv1x1 of algorithm section 7. `hidden` is h of one token at a step (from 0) of the model as it was.
 * @param tokens y_out by step, then by picture, then by place.
 */
export function withoutTokens(
  { values, shapes }: Pick<Weights, 'values' | 'shapes'>,
  { gruWidth, hiddenNorm, level, memoryWidth }: Pick<DarConfig, 'gruWidth' | 'hiddenNorm' | 'level' | 'memoryWidth'>,
  tokens: readonly (readonly (readonly Place[])[])[],
): { readonly silenced: NamedValues[]; readonly hidden: (place: Place, step: number) => Float64Array } {
  if (!level) throw new DarError('without `level` a model has nothing to keep the mean of a step in')
  const get = (name: string) => values.get(name)!
  const [weight, bias, levels] = [get('bins.hidden.weight'), get('bins.hidden.bias'), get('bins.level')]
  const times = (place: Place, g: number) => {
    let sum = 0
    for (let c = 0; c < memoryWidth; c++) sum += weight[g * memoryWidth + c] * place[c]
    return sum
  }
  const changed = new Map<string, Float32Array>([
    ['decoder.proj_out.weight', new Float32Array(get('decoder.proj_out.weight').length)],
    ['decoder.proj_out.bias', new Float32Array(get('decoder.proj_out.bias').length)],
    [
      'bins.level',
      levels.map((old, i) => {
        const mean = meanOf(tokens[Math.floor(i / gruWidth)].map(meanOf))
        return old + times(mean, i % gruWidth)
      }),
    ],
  ])
  const silenced = [...values].map(([name, old]): NamedValues => {
    const now = new Float32Array(changed.get(name) ?? old)
    return { name, shape: shapes.get(name)!, values: now }
  })
  const hidden = (place: Place, step: number) => {
    const a = Float64Array.from({ length: gruWidth }, (_, g) => times(place, g) + bias[g] + levels[step * gruWidth + g])
    const square = a.reduce((sum, value) => sum + value * value, 0) / gruWidth
    return a.map((value) => Math.tanh(hiddenNorm ? value / Math.sqrt(square + EPSILON) : value))
  }
  return { silenced, hidden }
}
