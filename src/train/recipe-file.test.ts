import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { DarError } from '../support/errors.ts'
import { loadRecipe } from './recipe-file.ts'
import { tinyRecipe } from './testing.ts'

describe('loadRecipe', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await temporaryFolder()
  })
  const file = async (name: string, text: string) => {
    await writeFile(join(folder, name), text)
    return join(folder, name)
  }

  it('loads a module by its path', async () => {
    const path = await file('mine.mjs', `export default ${JSON.stringify(tinyRecipe({ name: 'mine' }))}`)
    expect(await loadRecipe(path)).toEqual(tinyRecipe({ name: 'mine' }))
  })

  it('takes a file of one’s own, not the package’s recipe of the same name', async () => {
    const path = await file('dar-nano.mjs', `export default ${JSON.stringify(tinyRecipe({ name: 'mine' }))}`)
    expect((await loadRecipe(path)).name).toBe('mine')
    await expect(loadRecipe(join(folder, 'elsewhere', 'dar-nano.ts'))).rejects.toThrow(/there is no recipe/)
  })

  it('finds the package’s own by name, and by their path in a checkout', async () => {
    expect((await loadRecipe('dar-nano')).name).toBe('dar-nano')
    expect((await loadRecipe('recipes/dar-nano.ts')).name).toBe('dar-nano')
  })

  it.each([
    ['that is not there', null, /there is no recipe .*nowhere\.mjs; give .* dar-nano/],
    ['without a default export', 'export const recipe = {}', /has no default export/],
    ['that fails', 'throw new Error("oh no")', /cannot be loaded: oh no; correct it/],
    ['that is no JavaScript', 'export default {{', /cannot be loaded: .*; correct it/],
    ['with a wrong field', 'export default { name: "a" }', /wrong\.mjs: .*stages/],
  ])('refuses a file %s', async (_, text, message) => {
    const path = text === null ? join(folder, 'nowhere.mjs') : await file('wrong.mjs', text)
    const loading = loadRecipe(path)
    await expect(loading).rejects.toThrow(DarError)
    await expect(loading).rejects.toThrow(message)
  })
})
