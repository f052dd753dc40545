import { execFileSync } from 'node:child_process'
import { symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { TINY } from '../../test/tiny-model.ts'
import { folderDataset, openDataset } from '../data/index.ts'
import { walk } from '../data/readers/files.ts'
import { readVelodyne } from '../data/readers/velodyne.ts'
import { predictionFolder } from '../eval/predictions.ts'
import { loadProtocol } from '../eval/presets.ts'
import { readRecord } from '../eval/record.ts'
import { decodeDepthPng, decodeImage } from '../node/decode.ts'
import { findConfig } from '../node/model-file.ts'
import { modelHash } from '../node/model-path.ts'
import { openPretrained } from '../pretrained/index.ts'
import { openCatalogueFile } from '../rooms/catalogue/sh3f.ts'
import { readSafetensors } from '../runtime/safetensors-file.ts'
import { loadRecipe } from '../train/index.ts'
import { readRegularFile, readTextFile } from './read-file.ts'

let folder: string
beforeEach(async () => {
  folder = await temporaryFolder()
})

/** Every door through which a path comes in. A test that hangs at one of them runs into vitest's limit. */
const DOORS: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  readRegularFile: (path) => readRegularFile(path),
  photo: (path) => decodeImage(path),
  depth: (path) => decodeDepthPng(path),
  model: (path) => findConfig(path),
  hash: (path) => modelHash(path),
  weights: (path) => readSafetensors(path),
  pretrained: (path) => openPretrained(path, { config: TINY, targets: new Map() }),
  'data set': (path) => openDataset(path),
  shard: (path) => openDataset(path, { layout: 'webdataset' }),
  h5: (path) => openDataset(path, { layout: 'h5' }).then((dataset) => dataset.get(0)),
  mat: (path) => openDataset(path, { layout: 'nyu-mat' }),
  list: (path) => openDataset(folder, { layout: 'nyu-folder', list: path }),
  'MoGe list': (path) => openDataset(folder, { layout: 'moge', list: path }),
  scan: (path) => readVelodyne(path),
  recipe: (path) => loadRecipe(path),
  protocol: (path) => loadProtocol(path),
  record: (path) => readRecord(path),
  catalogue: (path) => openCatalogueFile(path),
}
const EXTENSIONS: Readonly<Record<string, string>> = {
  model: '.safetensors',
  hash: '.safetensors',
  pretrained: '.safetensors',
  shard: '.tar',
  h5: '.h5',
  mat: '.mat',
  recipe: '.js',
  protocol: '.json',
}

describe('what is no regular file', () => {
  for (const [door, open] of Object.entries(DOORS)) {
    it(`is refused at once: ${door}`, async () => {
      const pipe = join(folder, `pipe${EXTENSIONS[door] ?? ''}`)
      execFileSync('mkfifo', [pipe])
      await expect(open(pipe)).rejects.toThrow(/pipe.*(pipe or a device|not a regular file)/)
      const device = join(folder, `device${EXTENSIONS[door] ?? ''}`)
      await symlink('/dev/zero', device)
      await expect(open(device)).rejects.toThrow(/device/)
      const loop = join(folder, `loop${EXTENSIONS[door] ?? ''}`)
      await symlink(loop, loop)
      await expect(open(loop)).rejects.toMatchObject({ name: 'DarError' })
    })
  }

  it('is passed over in a folder', async () => {
    execFileSync('mkdir', ['-p', join(folder, 'rgb'), join(folder, 'depth')])
    execFileSync('mkfifo', [join(folder, 'rgb', 'a.png'), join(folder, 'depth', 'a.png'), join(folder, 'p.npy')])
    await expect(openDataset(folder)).rejects.toThrow(/looks like none/)
    await expect(folderDataset(folder)).rejects.toThrow(/no JPEG, PNG or WebP photo/)
    await expect(predictionFolder(folder)).rejects.toThrow(/no .png/)
  })
})

describe('links of folders', () => {
  it('that lead back are each followed once', async () => {
    await writeFile(join(folder, 'photo.txt'), '')
    for (let i = 0; i < 12; i++) await symlink(folder, join(folder, `back${i}`))
    const files: string[] = []
    for await (const file of walk(folder)) files.push(file)
    expect(files).toEqual(['photo.txt'])
  })

  it('that lead to each other are not followed in every order', async () => {
    const names = Array.from({ length: 9 }, (_, i) => `d${i}`)
    for (const name of names) {
      execFileSync('mkdir', [join(folder, name)])
      await writeFile(join(folder, name, 'x.txt'), '')
      for (const other of names) if (other !== name) await symlink(join(folder, other), join(folder, name, other))
    }
    const files: string[] = []
    for await (const file of walk(folder)) files.push(file)
    expect(files.length).toBeGreaterThanOrEqual(9)
    expect(files.length).toBeLessThan(30)
  })

  it('to a folder elsewhere are followed', async () => {
    execFileSync('mkdir', ['-p', join(folder, 'real', 'sub'), join(folder, 'set')])
    await writeFile(join(folder, 'real', 'sub', 'x.txt'), '')
    await symlink(join(folder, 'real'), join(folder, 'set', 'link'))
    const files: string[] = []
    for await (const file of walk(join(folder, 'set'))) files.push(file)
    expect(files).toEqual(['link/sub/x.txt'])
  })
})

describe('readRegularFile', () => {
  it('says what is wrong, in one line', async () => {
    await expect(readRegularFile(join(folder, 'nowhere'))).rejects.toMatchObject({ kind: 'missing' })
    await expect(readRegularFile(folder)).rejects.toThrow(/is a folder; name the files in it/)
    const loop = join(folder, 'loop')
    await symlink(loop, loop)
    await expect(readRegularFile(loop)).rejects.toThrow(/link that leads back to itself/)
  })

  it('refuses what is too large before it reads it', async () => {
    const sparse = join(folder, 'sparse')
    await writeFile(sparse, '')
    await truncate(sparse, 2 ** 40)
    await expect(readRegularFile(sparse)).rejects.toThrow(/more than/)
    await expect(readTextFile(sparse)).rejects.toThrow(/more than the 256 MB/)
    await expect(decodeImage(sparse)).rejects.toThrow(/more than/)
  })
})
