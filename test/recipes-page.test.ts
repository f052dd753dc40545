/** The recipe of docs/recipes.md is one, as it stands. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { loadRecipe } from '../src/train/index.ts'
import { temporaryFolder } from './temporary-folder.ts'

it('the page’s recipe loads, and what is taken out of it is named', async () => {
  const page = await readFile(new URL('../docs/recipes.md', import.meta.url), 'utf8')
  const code = /```js\n(\/\/ my-recipe\.js\n[\s\S]*?)```/.exec(page)?.[1] ?? ''
  const folder = await temporaryFolder()
  const path = join(folder, 'my-recipe.mjs')
  await writeFile(path, code)
  expect(await loadRecipe(path)).toMatchObject({ name: 'my-recipe', model: { head: { kind: 'dar' }, dMax: 10 } })
  const without = join(folder, 'without.mjs')
  await writeFile(without, code.replace(/ {2}(seed|optimiser): .*\n/g, ''))
  await expect(loadRecipe(without)).rejects.toThrow(
    /without\.mjs: seed: is missing \(.*number\); optimiser: is missing \(an object\); docs\/recipes\.md/,
  )
})
