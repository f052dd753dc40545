/**
 * The mean of models' weights, of one config, as float16:
 *
 *     npx tsx scripts/average.ts [--shared] OUT.safetensors MODEL MODEL …
 *
 * Runs that began with the same weights mostly lie in one basin, so the mean of their ends predicts better than each of them on places
 * that none has seen (Wortsman et al. 2022, "Model soups"; docs/log/leave-one-out.md has our figures). Config and sizes are the first
 * model's; how long a run took is left out. Models of different configs are refused, unless with --shared: then a tensor that another model does
 * not have in this shape is the mean of those that have it. So a run that gave a model a new last layer can be averaged with the model it began with.
 */
import { parseArgs } from 'node:util'
import { readSafetensors, writeSafetensors } from '../src/runtime/safetensors-file.ts'
import { float32ToHalf, type TensorToStore } from '../src/safetensors/index.ts'
import { DarError } from '../src/support/errors.ts'

const { values, positionals } = parseArgs({ options: { shared: { type: 'boolean' } }, allowPositionals: true })
const [out, ...paths] = positionals
if (paths.length < 2) throw new DarError('give the file to write, and at least two models')
const [first, ...others] = await Promise.all(paths.map((path) => readSafetensors(path)))
const { config, predictSizes, recipe } = first.metadata
for (const [i, { metadata }] of others.entries())
  if (metadata.config !== config && !values.shared)
    throw new DarError(
      `${paths[i + 1]} has another config than ${paths[0]}; for the tensors that both have, give --shared`,
    )

const mean: Record<string, TensorToStore> = {}
let shared = 0
for (const [name, tensor] of first.tensors) {
  const all = [tensor.toFloat32()]
  for (const [i, { tensors }] of others.entries()) {
    const other = tensors.get(name)?.toFloat32()
    if (other?.length === all[0].length) all.push(other)
    else if (!values.shared) throw new DarError(`${paths[i + 1]} has no ${name} of the size that ${paths[0]} has`)
  }
  if (all.length === paths.length) shared++
  const data = float32ToHalf(all[0].map((_, k) => all.reduce((sum, one) => sum + one[k], 0) / all.length))
  mean[name] = { dtype: 'F16', shape: tensor.shape, data }
}
await writeSafetensors(out, mean, { config, predictSizes, recipe })
console.log(`${out}: the mean of ${paths.length} models: ${shared} of ${first.tensors.size} tensors are in all of them`)
