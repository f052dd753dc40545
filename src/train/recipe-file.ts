/**
 * Finds a recipe: the path of a module that exports one as its default, or the name of one of the package's own. These
 * are in recipes/ as TypeScript in a checkout, and compiled in dist/recipes/ in the package.
 */
import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { DarError, messageOf } from '../support/errors.ts'
import { checkRegularFile } from '../support/read-file.ts'
import { parseRecipe, type Recipe } from './recipe.ts'

const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
/** Seen from `src/train` or `dist/src/train`: the modules themselves, and their sources in a checkout. */
const RECIPES = fileURLToPath(new URL('../../recipes/', import.meta.url))
const SOURCES = EXTENSION === '.ts' ? RECIPES : fileURLToPath(new URL('../../../recipes/', import.meta.url))

/** Names of the package's own recipes. */
export function ownRecipes(): string[] {
  if (!existsSync(RECIPES)) return []
  return readdirSync(RECIPES)
    .filter((file) => file.endsWith(EXTENSION) && !file.includes('.test.'))
    .map((file) => file.slice(0, -EXTENSION.length))
    .sort()
}

/**
 * Loads and checks a recipe. Throws a DarError when there is none of this name or path, when its module fails, or when a
 * field is wrong.
 */
export async function loadRecipe(nameOrPath: string): Promise<Recipe> {
  const path = locate(nameOrPath)
  await checkRegularFile(path)
  let module: { readonly default?: unknown }
  try {
    module = await import(pathToFileURL(path).href)
  } catch (error) {
    const remedy =
      error instanceof Error && 'code' in error && error.code === 'ERR_UNKNOWN_FILE_EXTENSION'
        ? 'compile it to JavaScript first'
        : 'correct it'
    throw new DarError(`the recipe ${path} cannot be loaded: ${messageOf(error)}; ${remedy}`)
  }
  if (module.default === undefined)
    throw new DarError(`${path} has no default export; export the recipe as its default`)
  return parseRecipe(module.default, path)
}

function locate(nameOrPath: string): string {
  const own = (name: string) => join(RECIPES, name + EXTENSION)
  const path = resolve(nameOrPath)
  if (/\.[cm]?[jt]s$/.test(nameOrPath) && existsSync(path)) {
    // `dar train recipes/dar-nano.ts` in a checkout means the compiled recipe where TypeScript cannot be run.
    const compiled = own(basename(path).replace(/\.ts$/, ''))
    return dirname(path) === resolve(SOURCES) && existsSync(compiled) ? compiled : path
  }
  const name = nameOrPath.replace(/^recipes[/\\]/, '').replace(/\.[jt]s$/, '')
  if (ownRecipes().includes(name)) return own(name)
  throw new DarError(
    `there is no recipe ${nameOrPath}; give the path of a .js file that exports one, or one of: ${ownRecipes().join(', ')}`,
    { kind: 'missing' },
  )
}
