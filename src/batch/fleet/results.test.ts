import { parquetReadObjects } from 'hyparquet'
import { expect, it } from 'vitest'
import type { ManifestEntry } from '../manifest.ts'
import { encodeParquet } from './results.ts'

it('results as Parquet are read back by another library', async () => {
  const about = { model: 'm', options: 'o', at: '2026-01-01T00:00:00.000Z' }
  const done: ManifestEntry = {
    ...about,
    path: 'ä/b.jpg',
    sha256: 'a'.repeat(64),
    bytes: 2 ** 33,
    modified: 1.5,
    status: 'done',
    width: 640,
    height: 480,
    focal: { source: 'exif', millimetres35: 26.5 },
    milliseconds: { decode: 1, compile: 0, prepare: 2, run: 3, finish: 4, write: 5 },
    outputs: { 'depth.png': { file: 'ä/b.depth.png', bytes: 9 } },
  }
  const failed: ManifestEntry = {
    ...about,
    path: 'c.jpg',
    sha256: null,
    bytes: null,
    modified: null,
    status: 'failed',
    error: 'damaged',
  }
  const bytes = await encodeParquet([done, failed])
  const rows = await parquetReadObjects({
    file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer,
  })
  expect(rows).toHaveLength(2)
  expect(rows[0]).toMatchObject({
    path: 'ä/b.jpg',
    status: 'done',
    bytes: 2 ** 33,
    width: 640,
    focal_source: 'exif',
    focal_millimetres35: 26.5,
  })
  const [first, second] = rows as readonly Record<string, string | null>[]
  expect(JSON.parse(first.outputs ?? '')).toEqual(done.outputs)
  expect(JSON.parse(first.milliseconds ?? '')).toEqual(done.milliseconds)
  expect(second).toMatchObject({ path: 'c.jpg', status: 'failed', error: 'damaged' })
  expect([second.sha256 ?? null, second.bytes ?? null, second.width ?? null, second.outputs ?? null]).toEqual([
    null,
    null,
    null,
    null,
  ])
})
