/**
 * Cuts a smaller dar-nano out of a trained one, as the start of a student that is then distilled (recipes/dar-nano-half.ts):
 *
 *     npx tsx scripts/student.ts TEACHER.safetensors OUT.safetensors --data DATA [--recipe dar-nano-half] [--images 48]
 *
 * The shape of the student is that of the recipe's model. What is left is fitted to the teacher's values on rendered rooms, with the
 * furniture of the recipe (in DATA): student/cut.ts says how. Takes some minutes of one core.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { roomsDataset, wholeFrame } from '../src/data/index.ts'
import { configText, parseConfig } from '../src/model/index.ts'
import { Engine } from '../src/runtime/engine.ts'
import { readWeights, storedConfig, writeWeights } from '../src/runtime/weights.ts'
import { layoutOfModel, loadRecipe } from '../src/train/index.ts'
import { cutStudent } from './student/cut.ts'

/** Of the rooms that are fitted on: neither trained nor validated on by a recipe. */
const SEED = 8061
const SIZE = { width: 256, height: 192 }

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string', default: '.' },
    recipe: { type: 'string', default: 'dar-nano-half' },
    images: { type: 'string', default: '48' },
  },
})
const [from, to] = positionals
if (!to) throw new Error('usage: npx tsx scripts/student.ts TEACHER.safetensors OUT.safetensors --data DATA')

const recipe = await loadRecipe(values.recipe)
const rooms = recipe.data.find((one) => one.kind === 'rooms')
const furniture = rooms?.furniture ? join(values.data, rooms.furniture) : undefined
const weights = await readWeights(from)
const teacher = { config: parseConfig(storedConfig(weights, from), from), values: weights.values }
const student = recipe.model

const count = Number(values.images)
const frames = roomsDataset({ seed: SEED, count, furniture })
const pixels: Float32Array[] = []
for await (const frame of frames) pixels.push(wholeFrame(frame, SIZE).image)
console.log(`${count} rooms`)

await using engine = new Engine({ memory: 'pieces' })
const named = await cutStudent(engine, { teacher, student, images: { ...SIZE, pixels } }, console.log)
const { predictSizes } = weights.metadata
await writeWeights(to, named, { config: configText(student), ...(predictSizes && { predictSizes }) }, { dtype: 'F16' })
const [own, total] = [layoutOfModel(student).length, layoutOfModel(teacher.config).length]
console.log(`${to}: ${own} parameters, ${((100 * own) / total).toFixed(1)} % of ${total}`)
