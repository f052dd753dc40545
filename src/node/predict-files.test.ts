import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import type { DepthMap, ManyResult } from '../predict/index.ts'
import { cannotWrite } from '../support/cannot-write.ts'
import { DarError } from '../support/errors.ts'
import { HOST } from '../support/temporary.ts'
import { type Found, withExisting } from './existing.ts'
import { suffixesOf } from './output-kinds.ts'
import { type FileResult, type PredictFilesOptions, predictFiles } from './predict-files.ts'

const size = { width: 4, height: 3 }
const depth = new Float32Array(12).fill(2)
const MAP: DepthMap = {
  ...size,
  depth,
  data: depth,
  sigma: null,
  steps: [],
  focal: { relative: 0.6, source: 'default', millimetres35: 26 },
  networkSize: size,
  milliseconds: { decode: 0, compile: 0, prepare: 0, run: 0, finish: 0 },
  warnings: [],
}
const style = { kinds: ['color', 'npy'] } as const
const suffixes = suffixesOf(style.kinds, { steps: 0 })

/** Every photo but those called bad gives the same map; `asked` fills with what was begun. */
function model({ asked = [] as string[], error = new DarError('it is bad') } = {}) {
  return {
    async *predictMany(images: Iterable<string>): AsyncGenerator<ManyResult<string>> {
      let index = 0
      for (const image of images) {
        asked.push(image)
        const bad = { index: index++, image }
        yield image.includes('bad')
          ? { ...bad, map: null, error }
          : ({ ...bad, map: MAP, error: null } as ManyResult<string>)
      }
    },
  }
}

let root = ''
beforeAll(async () => {
  root = await temporaryFolder()
})
let out = ''
let count = 0
beforeEach(async () => {
  out = join(root, `out${count++}`)
  await mkdir(out)
})

const photos = (...names: string[]): Found[] =>
  names.map((name) => ({ input: `${name}.jpg`, stem: name, existing: [] }))

async function run(list: readonly Found[], options: Partial<PredictFilesOptions> = {}, predicts = model()) {
  const results: FileResult[] = []
  for await (const result of predictFiles(predicts, list, { out, style, suffixes, ...options })) results.push(result)
  return results
}

describe('predictFiles', () => {
  it('writes each photo’s files, and goes on after one that cannot be read', async () => {
    const results = await run(photos('a', 'bad', 'deep/b'))
    expect(results.map(({ image, error }) => [image, error?.message ?? null])).toEqual([
      ['a.jpg', null],
      ['bad.jpg', 'it is bad'],
      ['deep/b.jpg', null],
    ])
    expect(results[0].files).toEqual({ 'color.png': join(out, 'a.color.png'), 'depth.npy': join(out, 'a.depth.npy') })
    expect((await readdir(join(out, 'deep'))).sort()).toEqual(['b.color.png', 'b.depth.npy'])
  })

  it('leaves files that are there, or writes all', async () => {
    await writeFile(join(out, 'a.color.png'), 'old')
    const list = await withExisting(photos('a'), out, suffixes)
    expect(list[0].existing).toEqual(['color.png'])
    await run(list, { write: 'missing' })
    const length = async (name: string) => (await stat(join(out, name))).size
    expect([await length('a.color.png'), (await length('a.depth.npy')) > 100]).toEqual([3, true])
    await run(list, { write: 'all' })
    expect(await length('a.color.png')).toBeGreaterThan(60)
  })

  it('applies what is to be done to a map, whose error costs the photo', async () => {
    const finish = (image: string, map: DepthMap) => {
      if (image === 'b.jpg') throw new DarError('no points for b')
      return { ...map, depth: map.depth.map((metres) => 2 * metres) }
    }
    const results = await run(photos('a', 'b'), { finish })
    expect(results.map(({ error }) => error?.message ?? null)).toEqual([null, 'no points for b'])
    expect(results[0].map?.depth[0]).toBe(4)
  })

  it('begins no photo after the signal, and finishes those under way', async () => {
    const asked: string[] = []
    const stop = new AbortController()
    const results: string[] = []
    const options = { out, style, suffixes, signal: stop.signal }
    for await (const { image } of predictFiles(model({ asked }), photos('a', 'b', 'c'), options)) {
      results.push(image)
      stop.abort()
    }
    expect(results).toEqual(['a.jpg'])
    expect(asked).toEqual(['a.jpg'])
    expect((await readdir(out)).length).toBe(2)
  })

  it('stops when the folder of the results is gone, and does not make it again', async () => {
    await rm(out, { recursive: true })
    const results = await run(photos('a', 'b'))
    expect(results).toMatchObject([{ image: 'a.jpg', fatal: true }])
    expect(results[0].error?.message).toBe(
      `cannot write into ${out}: the folder is gone; bring it back, and run the same command again`,
    )
    await expect(readdir(out)).rejects.toThrow()
  })

  it.each([
    ['a full disk', cannotWrite('x', Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })), true],
    ['a disk that became read-only', cannotWrite('x', Object.assign(new Error('EROFS'), { code: 'EROFS' })), true],
    ['a file that may not be written', cannotWrite('x', Object.assign(new Error('EACCES'), { code: 'EACCES' })), false],
    ['a thread that has ended', new DarError('the engine is gone', { kind: 'gone' }), true],
    ['too little memory', new DarError('too large', { kind: 'memory' }), false],
  ])('after %s goes on or stops: it stops is %s', async (_, error, fatal) => {
    const results = await run(photos('bad', 'b'), {}, model({ error }))
    expect(results.length).toBe(fatal ? 1 : 2)
    expect(results[0]).toMatchObject({ fatal, error })
  })

  it('passes on what is no user’s mistake', async () => {
    const finish = () => {
      throw new TypeError('ours')
    }
    await expect(run(photos('a'), { finish })).rejects.toThrow('ours')
  })
})

describe('withExisting', () => {
  it('finds files in every folder of the plan, and removes what a killed process has left there', async () => {
    await mkdir(join(out, 'deep'))
    const gone = 4_194_304 // above the largest process number of Linux
    for (const name of ['deep/b.color.png', `deep/.b.depth.npy.${HOST}-${gone}-01234567.tmp`])
      await writeFile(join(out, name), '')
    const found = await withExisting(photos('a', 'deep/b', 'absent/c'), out, suffixes)
    expect(found.map(({ existing }) => existing)).toEqual([[], ['color.png'], []])
    expect(await readdir(join(out, 'deep'))).toEqual(['b.color.png'])
  })
})
