import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { outputStems, readPhotos } from './photo-list.ts'

describe('the photos of a batch', () => {
  it('are those below a folder, in order, without hidden ones', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'b', '.cache'), { recursive: true })
    for (const name of ['z.JPG', 'a.txt', 'b/y.webp', 'b/x.png', '.hidden.jpg', 'b/.cache/c.jpg'])
      await writeFile(join(folder, name), '')
    expect(await readPhotos(folder)).toEqual({ root: folder, paths: ['b/x.png', 'b/y.webp', 'z.JPG'] })
    await expect(readPhotos(join(folder, 'b', '.cache', 'none'))).rejects.toThrow(/was not found/)
    await expect(readPhotos(folder, { root: '/data' })).rejects.toThrow(/--root \/data/)
  })

  it('are the lines of a list, or of standard input, each once', async () => {
    const folder = await temporaryFolder()
    const list = join(folder, 'list.txt')
    await writeFile(list, 'a.jpg\r\n\nwith space .png\na.jpg\n')
    expect(await readPhotos(list)).toEqual({ root: '.', paths: ['a.jpg', 'with space .png'] })
    const input = Readable.from(['x.jpg\ny', '.jpg'])
    expect(await readPhotos('-', { root: '/data', input })).toEqual({ root: '/data', paths: ['x.jpg', 'y.jpg'] })
    await expect(readPhotos('-', { input: Readable.from(['\n']) })).rejects.toThrow(/names no photo/)
  })
})

describe('the names of outputs', () => {
  it('keep the folders, inside the folder of the outputs', () => {
    const stem = outputStems(['a/b.c.jpg', '/data/x.jpg', '../../up.png', './here.webp'])
    expect(['a/b.c.jpg', '/data/x.jpg', '../../up.png', './here.webp'].map(stem)).toEqual([
      'a/b.c',
      'data/x',
      'up',
      'here',
    ])
  })

  it('tell photos apart that differ in their ending only', () => {
    const paths = ['a/x.jpg', 'a/X.png', 'b/x.jpg']
    expect(paths.map(outputStems(paths))).toEqual(['a/x.jpg', 'a/X.png', 'b/x'])
    expect(() => outputStems(['a/x.jpg', './a/x.jpg'])).toThrow(/same names/)
    expect(() => outputStems(['x.jpg', 'x.png', 'x.jpg.webp'])).toThrow(/same names/)
  })
})
