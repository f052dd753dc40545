import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { compiledUrl } from '../../test/compiled.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { isFolderLocked, lockFolder } from './folder-lock.ts'
import { HOST } from './temporary.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await temporaryFolder()
  path = join(folder, '.dar.lock')
})

const holder = (change: object) =>
  JSON.stringify({ pid: 1, host: HOST, start: null, what: 'dar train x', id: 'a', ...change })
const deadPid = () => spawnSync(process.execPath, ['-e', '']).pid

describe('the lock of a folder', () => {
  it('is one holder’s at a time, also inside one process, and leaves no file', async () => {
    expect(isFolderLocked(folder)).toBe(false)
    const lock = lockFolder(folder, 'dar train tiny')
    expect(isFolderLocked(folder)).toBe(true)
    expect(() => lockFolder(folder, 'dar train tiny')).toThrow(
      `${folder} is in use by process ${process.pid} (dar train tiny): wait for it, or stop it, or choose another folder`,
    )
    await lock.dispose()
    await lock.dispose()
    expect(await readdir(folder)).toEqual([])
    await lockFolder(join(folder, 'made', 'here'), 'x').dispose()
  })

  it('is broken when its process was killed, and only then', async () => {
    const url = JSON.stringify(compiledUrl('support/folder-lock'))
    const code = `import { lockFolder } from ${url}\nlockFolder(${JSON.stringify(folder)}, 'a run')\nconsole.log('ready'); setInterval(() => {}, 1000)`
    const args = ['--input-type=module', '-e', code]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise((resolve) => child.stdout.once('data', resolve))
    expect(() => lockFolder(folder, 'another')).toThrow(`in use by process ${child.pid} (a run)`)
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('exit', resolve))
    expect(existsSync(path)).toBe(true)
    const lock = lockFolder(folder, 'another')
    expect(JSON.parse(await readFile(path, 'utf8')).pid).toBe(process.pid)
    await lock.dispose()
  })

  it.each([
    ['of a process that is gone', () => holder({ pid: deadPid() })],
    ['of a process whose number another one has now', () => holder({ pid: process.pid, start: 'earlier:1' })],
    ['that says nothing', () => ''],
    ['that says nonsense', () => '{"pid": "x"}'],
  ])('is broken when it is a file %s', async (_, text) => {
    await writeFile(path, text())
    const lock = lockFolder(folder, 'x')
    expect(JSON.parse(await readFile(path, 'utf8')).what).toBe('x')
    await lock.dispose()
  })

  it('of another machine holds as long as it is touched', async () => {
    await writeFile(path, holder({ host: 'ffffff' }))
    expect(() => lockFolder(folder, 'x')).toThrow('on another machine (dar train x): stop it there, or remove')
    const before = Date.now() / 1000 - 3600
    await utimes(path, before, before)
    await lockFolder(folder, 'x').dispose()
    expect(existsSync(path)).toBe(false)
  })

  it('that was broken and taken by another is not released by its old holder', async () => {
    const lock = lockFolder(folder, 'x')
    await writeFile(path, holder({ pid: process.ppid }))
    await lock.dispose()
    expect(existsSync(path)).toBe(true)
  })
})
