/** A recipe with a teacher that it does not name itself: a model, or a folder of photos that one has labelled. */
import { statSync } from 'node:fs'
import { basename, relative, resolve } from 'node:path'
import { resolveModelPath, shippedModels } from '../node/model-path.ts'
import { parseRecipe, type Recipe } from './recipe.ts'

/** Weight of a labelled folder, as a part of that of all others: it gives a third of the images. */
const PART = 0.5
/**
 * Their term where a stage states none. Depth maps of a folder are metres, so their contrast is believed: without it the student draws photos like
 * these ever flatter (src/model/teacher-term.ts).
 */
const TERM = { teacher: 0.1, teacherFit: 'scale' } as const

/**
 * `teacher`: a folder of photos and depth maps that another network made, which becomes a data set with `teacher: true`; or a model, by
 * its name or file, which becomes `distil`. `root` is the folder that data paths are relative to. Throws a DarError when there is no
 * such model, or the recipe has no place for a teacher.
 */
export function withTeacher(recipe: Recipe, teacher: string, root: string): Recipe {
  const isFolder = statSync(teacher, { throwIfNoEntry: false })?.isDirectory() ?? false
  return parseRecipe(isFolder ? labelled(recipe, teacher, root) : distilled(recipe, teacher, root), recipe.name)
}

function labelled(recipe: Recipe, folder: string, root: string): Recipe {
  const total = recipe.data.reduce((sum, { weight }) => sum + weight, 0)
  const set = {
    kind: 'dataset',
    name: `taught-${basename(resolve(folder))}`,
    path: relative(resolve(root), resolve(folder)),
    weight: PART * total,
    teacher: true,
  } as const
  const stages = recipe.stages.map((stage) => ({ ...stage, loss: { ...TERM, ...stage.loss } }))
  return { ...recipe, data: [...recipe.data, set], stages }
}

function distilled(recipe: Recipe, model: string, root: string): Recipe {
  const path = resolveModelPath(model)
  const teacher = shippedModels().includes(model) ? model : relative(resolve(root), resolve(path))
  return { ...recipe, distil: { ...recipe.distil, teacher } }
}
