/**
 * New life for a decoder that has died: `npx tsx scripts/revive-decoder.ts MODEL OUT`.
 *
 * h_k = tanh(W·y_out + b + level_k) (spec section 7). Nothing normalises y_out, and when it grows, every h is +1 or −1: the same at
 * every pixel and in every image, and no gradient comes back. The model goes on with what the context tells it, and its loss does
 * not show it. This writes a model in which the decoder and b are as initialised, W is a quarter of that, and level_k is ±1.2 by
 * the sign that h had (tanh 1.2 = 0.83), so that the GRU finds what it knows and the decoder can learn. Prints how dead it was.
 */
import { renderRoom } from '../src/data/rooms/index.ts'
import { compile, Graph, type Tensor } from '../src/graph/index.ts'
import { toPlanes } from '../src/image/index.ts'
import { buildDar, normaliseImage } from '../src/model/index.ts'
import { openModel } from '../src/node/index.ts'
import { Engine } from '../src/runtime/engine.ts'
import { readWeights, writeWeights } from '../src/runtime/weights.ts'
import { layoutOfModel } from '../src/train/index.ts'
import { initialiseEntry } from '../src/train/parameters.ts'

const START = 1.2
const QUIET = 0.25
const IMAGES = 4
const SATURATED = 0.99

const [path, out] = process.argv.slice(2)
if (path === undefined || out === undefined) throw new Error('give a model file and the file to write')
const { config, size } = await openModel(path, { mapAbove: Number.POSITIVE_INFINITY })
const stored = await readWeights(path)
const { memoryWidth: M, gruWidth: G, steps: K } = config

const graph = new Graph()
const { trace } = buildDar(normaliseImage(graph.input('image', [1, 3, size.height, size.width]), config), config)
const yOut = Array.from({ length: K }, (_, k) => trace.get(`step${k + 1}.y_out`) as Tensor)
const outputs = Object.fromEntries(yOut.map((tensor, k) => [`y${k}`, tensor]))
await using engine = new Engine({ threads: 1 })
const program = await engine.load(compile(outputs, { weights: { kind: 'embedded', values: stored.values } }))

const value = (name: string) => stored.values.get(name) as Float32Array
const [weight, bias, level] = ['bins.hidden.weight', 'bins.hidden.bias', 'bins.level'].map(value)
const sums = new Float64Array(K * G)
let saturated = 0
let count = 0
for (let seed = 1; seed <= IMAGES; seed++) {
  const maps = await program.run({ image: toPlanes(renderRoom({ seed }).image, size.width, size.height) })
  for (let k = 0; k < K; k++) {
    const y = maps[`y${k}`] as Float32Array // 1,T,M
    for (let t = 0; t < y.length; t += M)
      for (let o = 0; o < G; o++) {
        let z = bias[o] + level[k * G + o]
        for (let i = 0; i < M; i++) z += weight[o * M + i] * y[t + i]
        const h = Math.tanh(z)
        sums[k * G + o] += h / (y.length / M)
        if (Math.abs(h) > SATURATED) saturated++
        count++
      }
  }
}
console.log(`${((100 * saturated) / count).toFixed(1)} % of all h are saturated`)

const parameters = layoutOfModel(config).entries.map((entry) => {
  const values = new Float32Array(entry.length)
  const fresh = entry.name.startsWith('decoder.') || entry.name.startsWith('bins.hidden.')
  if (fresh) initialiseEntry(values, entry, 1)
  if (entry.name === 'bins.hidden.weight') values.set(values.map((w) => QUIET * w))
  else if (entry.name === 'bins.level') values.set(Float32Array.from(sums, (sum) => START * Math.sign(sum)))
  else if (!fresh) values.set(value(entry.name))
  return { name: entry.name, shape: entry.shape, values }
})
await writeWeights(out, parameters, stored.metadata, { dtype: 'F32' })
