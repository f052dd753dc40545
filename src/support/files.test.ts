import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, open, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { compiledUrl } from '../../test/compiled.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { remedyFor } from './cannot-write.ts'
import { namesIn, writeAtomically, writeFileAtomically } from './files.ts'
import { HOST, removeStale, temporaryBeside } from './temporary.ts'

let folder: string
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(() => {
  vi.restoreAllMocks()
})

/** The number of a process that has ended. */
const deadPid = () => spawnSync(process.execPath, ['-e', '']).pid

describe('writing a file whole', () => {
  it('brings the bytes to the disk before the name, and the name before it returns', async () => {
    const path = join(folder, 'a', 'file')
    const handle = await open(join(folder, 'probe'), 'w')
    const synced: boolean[] = []
    vi.spyOn(Object.getPrototypeOf(handle), 'sync').mockImplementation(async () => {
      synced.push(existsSync(path))
    })
    await writeFileAtomically(path, 'x')
    await handle.close()
    expect(synced).toEqual([false, true])
  })

  it('leaves the old file, and nothing else, when writing fails', async () => {
    const path = join(folder, 'file')
    await writeFileAtomically(path, 'old')
    const failing = writeAtomically(path, async (file) => {
      await file.writeFile('new')
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
    })
    await expect(failing).rejects.toThrow(
      `cannot write ${path}: ENOSPC: no space left on device; the disk is full: make room`,
    )
    expect(await readFile(path, 'utf8')).toBe('old')
    expect(await readdir(folder)).toEqual(['file'])
  })

  it('names a remedy that fits what went wrong', () => {
    expect(remedyFor(Object.assign(new Error(), { code: 'EACCES' }))).toBe('choose a folder you may write to')
    expect(remedyFor(Object.assign(new Error(), { code: 'EFBIG' }))).toContain('ulimit -f')
    expect(remedyFor(null)).toBe('choose a folder you may write to')
  })
})

describe('the names in a folder', () => {
  it('are none where there is no folder yet', async () => {
    await writeFile(join(folder, 'file'), 'x')
    expect(await namesIn(folder)).toEqual(['file'])
    expect(await namesIn(join(folder, 'new'))).toEqual([])
  })

  it('cannot be those of a file', async () => {
    const file = join(folder, 'file')
    await writeFile(file, 'x')
    await expect(namesIn(file)).rejects.toMatchObject({
      message: `cannot list ${file}: ENOTDIR: not a directory, scandir '${file}'; choose a folder you may write to`,
      kind: 'output',
    })
  })
})

describe('what killed processes leave', () => {
  it('is removed by the next process that writes there', async () => {
    const writer = [
      `import { writeAtomically } from ${JSON.stringify(compiledUrl('support/files'))}`,
      `await writeAtomically(${JSON.stringify(join(folder, 'big'))}, async (file) => {`,
      `  await file.writeFile('half'); console.log('ready'); await new Promise((done) => setTimeout(done, 60_000)) })`,
    ].join('\n')
    const child = spawn(process.execPath, ['--input-type=module', '-e', writer], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await new Promise((resolve) => child.stdout.once('data', resolve))
    expect(removeStale(folder)).toEqual([]) // it lives
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('exit', resolve))
    expect((await readdir(folder)).length).toBe(1)
    await writeFileAtomically(join(folder, 'small'), 'x')
    expect(await readdir(folder)).toEqual(['small'])
  })

  it('is told from everything else', async () => {
    const dead = deadPid()
    const kept = [
      `.notes.${HOST}-${process.pid}-0123abcd.tmp`, // this process may still write it
      `.notes.ffffff-${dead}-0123abcd.tmp`, // of another machine
      `.model.${HOST}-${dead}-0123abcd.old`, // may be all that is left of a folder
      `notes.${HOST}-${dead}-0123abcd.tmp`,
      '.notes.0123abcd.tmp',
      'notes.tmp',
    ]
    for (const name of kept) await writeFile(join(folder, name), '')
    await writeFile(join(folder, `.notes.${HOST}-${dead}-0123abcd.tmp`), '')
    await writeFile(join(folder, `.model.${HOST}-${dead}-0123abcd.onnx`), '')
    await mkdir(join(folder, `.out.${HOST}-${dead}-0123abcd.tmp`, 'onnx'), { recursive: true })
    expect(removeStale(folder).length).toBe(3)
    expect((await readdir(folder)).sort()).toEqual([...kept].sort())
  })

  it('is known even where every process has the same number, by its age', async () => {
    const path = temporaryBeside(join(folder, 'notes'))
    await writeFile(path, '')
    expect(removeStale(folder)).toEqual([])
    const before = Date.now() / 1000 - process.uptime() - 60
    await utimes(path, before, before)
    expect(removeStale(folder).length).toBe(1)
  })
})
