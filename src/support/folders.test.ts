import { mkdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { remedyFor } from './cannot-write.ts'
import { writeFileAtomically } from './files.ts'
import { lockFolder } from './folder-lock.ts'
import { makeFolder, makeFolderSync } from './folders.ts'

let place = ''
beforeEach(async () => {
  place = await temporaryFolder()
})

const isFolder = async (path: string) => (await stat(path).catch(() => null))?.isDirectory() ?? false

/** Both ways, awaited and at once. */
const WAYS = {
  makeFolder,
  makeFolderSync: async (folder: string) => makeFolderSync(folder),
}

describe.each(Object.entries(WAYS))('%s', (_, make) => {
  it('makes what is missing, and leaves what is there', async () => {
    const folder = join(place, 'a', 'b', 'c')
    await make(folder)
    expect(await isFolder(folder)).toBe(true)
    await writeFile(join(folder, 'file'), 'x')
    await make(folder)
    await make(`${folder}/`)
    await make('/')
    expect((await stat(join(folder, 'file'))).size).toBe(1)
  })

  it('heeds a folder behind a link', async () => {
    await mkdir(join(place, 'real'))
    await symlink(join(place, 'real'), join(place, 'link'))
    await make(join(place, 'link', 'a'))
    expect(await isFolder(join(place, 'real', 'a'))).toBe(true)
  })

  it('names the file that is in the way, at the end and on the way', async () => {
    const file = join(place, 'file')
    await writeFile(file, 'x')
    for (const folder of [file, join(file, 'a'), join(file, 'a', 'b')])
      await expect(make(folder)).rejects.toMatchObject({
        name: 'DarError',
        kind: 'output',
        message: `cannot make the folder ${file}: a file of this name is in the way; move it away, or choose another folder`,
      })
  })

  it('names the link that leads nowhere', async () => {
    const link = join(place, 'link')
    await symlink(join(place, 'gone'), link)
    await expect(make(join(link, 'a'))).rejects.toThrow(`cannot make the folder ${link}: a file of this name`)
  })

  it.runIf(process.platform === 'linux')('ends below /proc, which holds no folders of ours', async () => {
    for (const folder of ['/proc/dar', '/proc/dar/a/b'])
      await expect(make(folder)).rejects.toMatchObject({
        kind: 'output',
        message: `cannot make the folder /proc/dar: ENOENT: no such file or directory, mkdir '/proc/dar'; ${remedyFor(null)}`,
      })
  })
})

describe('makeFolder with a root', () => {
  it('makes what lies below it', async () => {
    await makeFolder(join(place, 'a', 'b'), { root: place })
    expect(await isFolder(join(place, 'a', 'b'))).toBe(true)
  })

  it('makes nothing where the root was taken away', async () => {
    const root = join(place, 'root')
    await expect(makeFolder(join(root, 'a', 'b'), { root })).rejects.toThrow(
      `cannot make the folder ${join(root, 'a')}`,
    )
    await rm(place, { recursive: true })
    await makeFolder(root, { root })
    expect(await isFolder(place)).toBe(false)
  })
})

describe.runIf(process.platform === 'linux')('files and locks below /proc', () => {
  it('are refused at once, with the folder', async () => {
    await expect(writeFileAtomically('/proc/dar/file', 'x')).rejects.toThrow('cannot make the folder /proc/dar: ')
    expect(() => lockFolder('/proc/dar', 'test')).toThrow('cannot make the folder /proc/dar: ')
  })
})
