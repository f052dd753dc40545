/**
 * Changes to a recipe by `path=value`, as `dar train --set` takes them: `schedule.rate=1e-4`, `stages.0.batch=4`,
 * `model.leaves=32`. The recipe's schema says which paths there are and what a value must be. The result is a recipe as
 * if its file said so: what identifies a run follows from it, and a resume with other values is refused.
 */
import { z } from 'zod'
import { flatConfig } from '../model/index.ts'
import { DarError } from '../support/errors.ts'
import { issueText } from '../support/issues.ts'
import { nearestName } from '../support/nearest.ts'
import { parseRecipe, type Recipe, recipeSchema } from './recipe.ts'

type Fields = Record<string, unknown>

/**
 * The recipe with every setting applied, in their order. A value is JSON, or a text without quotes; none (`path=`) leaves an optional
 * field out. Throws a DarError that names the setting and what would be right.
 */
export function applySettings(recipe: Recipe, settings: readonly string[]): Recipe {
  if (settings.length === 0) return recipe
  const changed: Fields = { ...structuredClone(recipe), model: flatConfig(recipe.model) }
  for (const setting of settings) {
    const at = setting.indexOf('=')
    if (at < 1) throw new DarError(`--set ${setting}: give path=value, such as schedule.rate=1e-4`)
    const path = setting.slice(0, at).trim()
    set({ schema: recipeSchema, holder: changed, path: path.split('.'), above: [], setting }, setting.slice(at + 1))
  }
  return parseRecipe(changed, `recipe ${recipe.name} with --set ${settings.join(' --set ')}`)
}

/** Where in the recipe a setting has come to. */
interface Place {
  /** Of `holder`. */
  readonly schema: z.ZodType
  readonly holder: Fields | unknown[]
  /** What is left of the path. */
  readonly path: readonly string[]
  /** What is behind. */
  readonly above: readonly string[]
  /** For messages. */
  readonly setting: string
}

function set(place: Place, text: string): void {
  const { holder, path, above, setting } = place
  const { key, rest, schema } = step(place)
  const fields = holder as Fields
  if (rest.length === 0) {
    const value = parsed(schema, text, { path: [...above, key].join('.'), setting })
    if (value === undefined) delete fields[key]
    else fields[key] = value
    return
  }
  const inner = essence(schema)
  if (!isContainer(inner))
    throw new DarError(`--set ${setting}: ${[...above, key].join('.')} is a value, which has no field ${rest[0]}`)
  const below = fields[key] ?? {}
  set({ schema: inner, holder: below as Fields, path: rest, above: [...above, key], setting }, text)
  // Only now, so that nothing half-made is left by a path that does not exist.
  if (path.length > 0) fields[key] = below
}

/** The next part of the path, and the schema of what lies there. */
function step({ schema, holder, path, above, setting }: Place) {
  const [key, ...rest] = path
  const here = essence(schema)
  const where = above.length > 0 ? above.join('.') : 'a recipe'
  if (here instanceof z.ZodArray || here instanceof z.ZodTuple) {
    const list = Array.isArray(holder) ? holder : []
    if (!/^\d+$/.test(key) || Number(key) >= list.length)
      throw new DarError(`--set ${setting}: ${where} has ${list.length} entries, numbered from 0, and no ${key}`)
    const element = here instanceof z.ZodArray ? here.element : here.def.items[Number(key)]
    return { key, rest, schema: element as z.ZodType }
  }
  // A record's keys are free, and may have dots in them, as the beginnings of parameter names do.
  if (here instanceof z.ZodRecord) return { key: path.join('.'), rest: [], schema: here.valueType as z.ZodType }
  const shape = shapeOf(here, holder as Fields)
  if (Object.hasOwn(shape, key)) return { key, rest, schema: shape[key] }
  const names = Object.keys(shape)
  const meant = nearestName(key, names)
  const hint = meant === null ? '' : ` (did you mean ${meant}?)`
  throw new DarError(`--set ${setting}: ${where} has no field ${key}${hint}; it has ${names.join(', ')}`)
}

/** The fields of an object; of a union those of the kind that the value is of. */
function shapeOf(schema: z.ZodType, value: Fields): Readonly<Record<string, z.ZodType>> {
  if (schema instanceof z.ZodObject) return schema.shape as Record<string, z.ZodType>
  if (!(schema instanceof z.ZodDiscriminatedUnion)) return {}
  const { options, def } = schema
  const kinds = options.map((option) => essence(option as z.ZodType)) as z.ZodObject[]
  const kind = kinds.find(
    (one) => (one.shape[def.discriminator] as z.ZodType).safeParse(value[def.discriminator]).success,
  )
  return (kind?.shape ?? Object.assign({}, ...kinds.map(({ shape }) => shape))) as Record<string, z.ZodType>
}

const isContainer = (schema: z.ZodType): boolean =>
  [z.ZodObject, z.ZodArray, z.ZodTuple, z.ZodRecord, z.ZodDiscriminatedUnion].some((kind) => schema instanceof kind)

/** A schema without what says that a value may be absent, read-only or written in another form (the model's config is flat). */
function essence(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodPipe) {
    const [first, second] = [schema.in, schema.out] as unknown as z.ZodType[]
    return essence(first instanceof z.ZodTransform ? second : first)
  }
  const wraps =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodReadonly
  return wraps ? essence(schema.unwrap() as z.ZodType) : schema
}

/** The text as the value that the schema takes; undefined where it leaves the field out. */
function parsed(
  schema: z.ZodType,
  text: string,
  { path, setting }: { readonly path: string; readonly setting: string },
): unknown {
  if (text === '') {
    if (schema.safeParse(undefined).success) return undefined
    throw new DarError(`--set ${setting}: ${path} cannot be left out; give it a value`)
  }
  const candidates = [json(text), text].filter((value) => value !== undefined)
  const right = candidates.find((value) => schema.safeParse(value).success)
  if (right !== undefined) return right
  const { error } = schema.safeParse(candidates[0])
  const [issue] = error?.issues ?? []
  throw new DarError(`--set ${setting}: ${issueText({ ...issue, path: [path, ...issue.path] }, path)}`)
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // a text without quotes
  }
}
