/**
 * The mean of models' weights, of one config, as float16:
 *
 *     npx tsx scripts/average.ts OUT.safetensors MODEL MODEL …
 *
 * Runs that began with the same weights mostly lie in one basin, so the mean of their ends predicts better than each of them on places
 * that none has seen (Wortsman et al. 2022, "Model soups"; docs/log/leave-one-out.md has our figures). Config and sizes are the first
 * model's; how long a run took is left out.
 */
import { readSafetensors, writeSafetensors } from '../src/runtime/safetensors-file.ts'
import { float32ToHalf, type TensorToStore } from '../src/safetensors/index.ts'
import { DarError } from '../src/support/errors.ts'

const [out, ...paths] = process.argv.slice(2)
if (paths.length < 2) throw new DarError('give the file to write, and at least two models')
const [first, ...others] = await Promise.all(paths.map((path) => readSafetensors(path)))
const { config, predictSizes, recipe } = first.metadata
for (const [i, { metadata }] of others.entries())
  if (metadata.config !== config) throw new DarError(`${paths[i + 1]} has another config than ${paths[0]}`)

const mean: Record<string, TensorToStore> = {}
for (const [name, tensor] of first.tensors) {
  const sum = Float64Array.from(tensor.toFloat32())
  for (const [i, { tensors }] of others.entries()) {
    const other = tensors.get(name)?.toFloat32()
    if (other?.length !== sum.length)
      throw new DarError(`${paths[i + 1]} has no ${name} of the size that ${paths[0]} has`)
    for (const [k, value] of other.entries()) sum[k] += value
  }
  const data = float32ToHalf(Float32Array.from(sum, (value) => value / paths.length))
  mean[name] = { dtype: 'F16', shape: tensor.shape, data }
}
await writeSafetensors(out, mean, { config, predictSizes, recipe })
console.log(`${out}: the mean of ${paths.length} models, ${first.tensors.size} tensors`)
