import { appendFile, readFile, rm, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { type ManifestEntry, ManifestWriter, manifestPath, readManifests } from './manifest.ts'

const entry = (path: string, at = '2026-01-01T00:00:00.000Z', more: Partial<ManifestEntry> = {}): ManifestEntry => ({
  path,
  sha256: 'a'.repeat(64),
  bytes: 3,
  modified: 1.5,
  model: 'm',
  options: 'o',
  status: 'done',
  at,
  ...more,
})

async function append(path: string, ...entries: readonly ManifestEntry[]): Promise<void> {
  const writer = await ManifestWriter.open(path)
  for (const one of entries) await writer.append(one)
  await writer.close()
}

describe('a manifest', () => {
  it('is read as it was written, the last line of a photo counting, also over files', async () => {
    const folder = await temporaryFolder()
    const failed = entry('b.jpg', '2026-01-01T00:00:02.000Z', { status: 'failed', error: 'damaged' })
    await append(manifestPath(folder, null), entry('a.jpg'), entry('b.jpg'), failed)
    const newer = entry('a.jpg', '2026-01-02T00:00:00.000Z')
    await append(manifestPath(folder, '1-of-4'), newer, entry('c.jpg'))
    const entries = await readManifests(folder)
    expect([...entries.keys()].sort()).toEqual(['a.jpg', 'b.jpg', 'c.jpg'])
    expect(entries.get('a.jpg')).toEqual(newer)
    expect(entries.get('b.jpg')).toEqual(failed)
    expect([...(await readManifests(folder, (path) => path === 'c.jpg')).keys()]).toEqual(['c.jpg'])
  })

  it('loses no more than a torn last line, and goes on behind the line before it', async () => {
    const folder = await temporaryFolder()
    const path = manifestPath(folder, null)
    await append(path, entry('a.jpg'), entry('b.jpg'))
    const whole = await readFile(path, 'utf8')
    for (const cut of [2, 20, whole.length / 2 - 1]) {
      await writeFile(path, whole.slice(0, whole.length - cut))
      expect([...(await readManifests(folder)).keys()]).toEqual(['a.jpg'])
      await append(path, entry('c.jpg'))
      expect([...(await readManifests(folder)).keys()]).toEqual(['a.jpg', 'c.jpg'])
      expect(await readFile(path, 'utf8')).toBe(whole.replace('b.jpg', 'c.jpg'))
    }
    await writeFile(path, whole.slice(0, -1)) // only the end of the line is missing: nothing is lost
    await append(path, entry('c.jpg'))
    expect([...(await readManifests(folder)).keys()]).toEqual(['a.jpg', 'b.jpg', 'c.jpg'])
    await writeFile(path, whole.slice(0, 30))
    await append(path, entry('c.jpg'))
    expect([...(await readManifests(folder)).keys()]).toEqual(['c.jpg'])
  })

  it.skipIf(process.platform === 'win32')('that was removed takes no further line', async () => {
    const path = manifestPath(await temporaryFolder(), null)
    const writer = await ManifestWriter.open(path)
    await writer.append(entry('a.jpg'))
    await rm(path)
    await expect(writer.append(entry('b.jpg'))).rejects.toThrow(/manifest\.jsonl was removed while it was written/)
    await writer.close()
  })

  it('leaves out lines that are no entries', async () => {
    const folder = await temporaryFolder()
    const path = manifestPath(folder, null)
    await append(path, entry('a.jpg'))
    await appendFile(path, 'null\n{"path": 3}\n[1]\n\0\0\0\n')
    await append(path, entry('b.jpg'))
    expect([...(await readManifests(folder)).keys()]).toEqual(['a.jpg', 'b.jpg'])
    expect(await readManifests(`${folder}/absent`)).toEqual(new Map())
  })
})
