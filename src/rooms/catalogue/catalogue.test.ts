import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { strToU8, zipSync } from 'fflate'
import { beforeEach, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../../../test/temporary-folder.ts'
import { openFurniture } from './index.ts'
import { boxObj, catalogueBytes, writeCatalogue } from './testing.ts'

let folder: string
beforeEach(async () => {
  folder = await temporaryFolder()
})

async function refusal(): Promise<string> {
  return openFurniture(folder).then(
    () => expect.fail('opened'),
    (error: Error) => error.message,
  )
}

describe('openFurniture', () => {
  test('reads sizes in metres, names in Latin-1, tops and elevations', async () => {
    await writeCatalogue(join(folder, 'test.sh3f'))
    const { pieces } = await openFurniture(folder)
    expect(pieces).toHaveLength(10)
    expect(pieces[1]).toMatchObject({ name: 'lower cabinet', category: 'Kitchen', width: 0.6, depth: 0.6, height: 0.9 })
    expect(pieces[1].top).toBe(0.9)
    expect(pieces[2].top).toBe(0.75)
    expect(pieces[3].top).toBeNull()
    expect(pieces[4].name).toBe('caf\u00e9 cup')
    expect(pieces[6].elevation).toBe(1.4)
  })

  test('sorts them by what they are for', async () => {
    await writeCatalogue(join(folder, 'test.sh3f'))
    const { roles } = await openFurniture(folder)
    const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name)
    expect(names(roles.atWall.living)).toEqual(['cupboard'])
    expect(names(roles.atWall.kitchen)).toEqual(['lower cabinet'])
    expect(names(roles.tables.living)).toEqual(['table'])
    expect(names(roles.seats.living)).toEqual(['chair'])
    expect(names(roles.small.kitchen)).toEqual(['caf\u00e9 cup'])
    expect(names(roles.small.any)).toEqual(['vase'])
    expect(names(roles.hanging.any)).toEqual(['wall shelf'])
    expect(names(roles.ceilingLamps)).toEqual(['ceiling lamp'])
    expect(names(roles.people)).toEqual(['female'])
  })

  test('keeps a shape on disk, and makes a torn one again', async () => {
    await writeCatalogue(join(folder, 'test.sh3f'))
    const first = await openFurniture(folder)
    const mesh = await first.shapeOf(first.pieces[2])
    expect(mesh?.triangles).toBe(12)
    expect(mesh?.materials[0].image?.width).toBe(2)
    const [kept] = await readdir(join(folder, '.dar-shapes'))
    const [name] = await readdir(join(folder, '.dar-shapes', kept))
    const path = join(folder, '.dar-shapes', kept, name)
    const whole = await readFile(path)
    for (const damage of [whole.subarray(0, 100), Buffer.concat([whole, Buffer.of(1)]), Buffer.alloc(0)]) {
      await writeFile(path, damage)
      const again = await openFurniture(folder)
      expect(await again.shapeOf(again.pieces[2])).toEqual(mesh)
      expect((await readFile(path)).equals(whole)).toBe(true)
    }
  })

  test('reads what is on disk instead of the catalogue', async () => {
    await writeCatalogue(join(folder, 'test.sh3f'))
    const first = await openFurniture(folder)
    const mesh = await first.shapeOf(first.pieces[0])
    const second = await openFurniture(folder)
    // The catalogue goes: a shape that is kept is still there, another is not.
    await rm(join(folder, 'test.sh3f'))
    expect(await second.shapeOf(second.pieces[0])).toEqual(mesh)
    await expect(second.shapeOf(second.pieces[1])).rejects.toThrow(/test\.sh3f was not found/)
  })

  test('says which file is wrong, and what to do', async () => {
    expect(await refusal()).toMatch(/holds no \.sh3f file; give a folder/)
    const path = join(folder, 'broken.sh3f')
    await writeFile(path, 'not a zip')
    expect(await refusal()).toMatch(/broken\.sh3f is damaged .*; download or install the catalogue again/)
    const bytes = await catalogueBytes()
    await writeFile(path, bytes.subarray(0, bytes.length >> 1))
    expect(await refusal()).toMatch(/broken\.sh3f is damaged/)
    await writeFile(path, zipSync({ 'README.txt': strToU8('hello') }))
    expect(await refusal()).toMatch(/broken\.sh3f has no PluginFurnitureCatalog\.properties/)
    await writeFile(path, zipSync({ 'PluginFurnitureCatalog.properties': strToU8('name#1=Chair\n') }))
    expect(await refusal()).toMatch(/broken\.sh3f describes no piece of furniture with a Wavefront shape/)
    await rm(folder, { recursive: true })
    expect(await refusal()).toMatch(/cannot list .*; give a folder of \.sh3f files/)
  })

  test('names the file and the entry of a damaged shape', async () => {
    const obj = boxObj([1, 1, 1]).replace('f 1/1 3/2', 'f 1/1 99/2')
    await writeCatalogue(join(folder, 'test.sh3f'), [{ name: 'Chair', category: 'Office', size: [1, 1, 1], obj }])
    const { pieces, shapeOf } = await openFurniture(folder)
    await expect(shapeOf(pieces[0])).rejects.toThrow(/test\.sh3f, test\/piece0\/box\.obj is damaged \(line \d+/)
  })

  test('takes a shape whose image is missing as its maker coloured it', async () => {
    const mtl = 'newmtl skin\nKd 1 0 0\nmap_Kd nowhere.png\n'
    await writeCatalogue(join(folder, 'test.sh3f'), [{ name: 'Chair', category: 'Office', size: [1, 1, 1], mtl }])
    const { pieces, shapeOf } = await openFurniture(folder)
    const mesh = await shapeOf(pieces[0])
    expect(mesh?.materials[0].image).toBeNull()
    expect(mesh?.materials[0].colour[0]).toBeGreaterThan(0.8)
    expect(mesh?.materials[0].colour[1]).toBeLessThan(0.01)
  })
})
