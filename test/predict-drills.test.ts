/**
 * `dar predict` when things go wrong around it: signals, kills, a reader that leaves, a disk without room. Every process here is a real
 * `dar`, ended as a user's machine would end it. What can be shown without one is in src/node/predict-files.test.ts.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { decodeNpy } from '../src/image/npy.ts'
import { HOST } from '../src/support/temporary.ts'
import { DAR } from './compiled.ts'
import { crashingEnvironment, makeFatal } from './crashing-decoder.ts'
import { asNobody, canRead, openFolder } from './nobody.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { writeTinyModel } from './tiny-model.ts'

vi.setConfig({ testTimeout: 300_000 })

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SUFFIXES = ['color.png', 'depth.npy', 'depth.png']
/** So many that a run is still at work when it is ended: each takes a few milliseconds. */
const PHOTOS = 120
/** Above the largest process number of Linux. */
const NOBODY = 4_194_305

let folder = ''
let photos = ''
let model = ''
beforeAll(async () => {
  folder = await temporaryFolder()
  await chmod(folder, 0o755)
  photos = join(folder, 'photos')
  await mkdir(photos)
  model = await writeTinyModel(join(folder, 'tiny.safetensors'))
  const bytes = await sharp({ create: { width: 160, height: 120, channels: 3, background: '#864' } })
    .png()
    .toBuffer()
  for (let i = 0; i < PHOTOS; i++) await writeFile(join(photos, `${String(i).padStart(3, '0')}.png`), bytes)
})

/** A shell's command line, in which `dar` is this program. */
function shell(line: string): ChildProcess & { readonly text: { out: string; err: string } } {
  const dar = `dar() { "$NODE" "$DAR" "$@"; }; ${line}`
  const env = { ...process.env, NODE: process.execPath, DAR }
  return collected(spawn('bash', ['-c', dar], { cwd: ROOT, env }))
}

const predict = (out: string, ...more: string[]) => {
  const args = [DAR, 'predict', photos, '--out', out, '--model', model]
  return collected(spawn(process.execPath, [...args, '--threads', '1', '--json', ...more], { cwd: ROOT }))
}

function collected(child: ChildProcess) {
  const text = { out: '', err: '' }
  child.stdout?.on('data', (bytes) => {
    text.out += bytes
  })
  child.stderr?.on('data', (bytes) => {
    text.err += bytes
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  return Object.assign(child, { text })
}

const ended = (child: ChildProcess) =>
  new Promise<string | number | null>((resolve) => child.once('close', (code, signal) => resolve(signal ?? code)))

/** Resolves when a photo is done. */
const untilFirst = (child: ReturnType<typeof predict>) =>
  new Promise<void>((resolve) => {
    child.stdout?.on('data', () => {
      if (child.text.out.includes('\n')) resolve()
    })
    child.once('close', () => resolve())
  })

const entries = (text: string): { image: string; status: string }[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))

/** Every file that is there is whole; returns the stems of the photos that have all of theirs. */
async function wholeStems(out: string): Promise<string[]> {
  const names = (await readdir(out)).filter((name) => !name.startsWith('.'))
  for (const name of names) {
    const bytes = await readFile(join(out, name))
    if (name.endsWith('.npy')) expect(decodeNpy(bytes).shape).toEqual([120, 160])
    else await sharp(bytes, { failOn: 'warning' }).raw().toBuffer()
  }
  const stems = [...new Set(names.map((name) => name.slice(0, 3)))]
  return stems.filter((stem) => SUFFIXES.every((suffix) => names.includes(`${stem}.${suffix}`)))
}

describe.skipIf(process.platform === 'win32')('dar predict', () => {
  it('loses one photo, in one line, to a decoder that crashes at it', async () => {
    const [some, out] = [join(folder, 'some'), join(folder, 'crashed')]
    await mkdir(some)
    for (const name of ['a.png', 'b.png', 'c.png']) await copyFile(join(photos, '000.png'), join(some, name))
    await makeFatal(join(some, 'b.png'))
    const args = [DAR, 'predict', some, '--out', out, '--model', model, '--json']
    const child = collected(spawn(process.execPath, args, { cwd: ROOT, env: crashingEnvironment() }))
    expect(await ended(child), child.text.err).toBe(1)
    expect(child.text.err).toMatch(/^dar: .*b\.png ended its decoder \(SIGSEGV\)[^\n]*\n$/)
    const names = (await readdir(out)).filter((name) => !name.startsWith('.'))
    expect([...new Set(names.map((name) => name[0]))]).toEqual(['a', 'c'])
  })

  it('finishes the photo at hand at Ctrl-C, says what is left, and goes on with --resume', async () => {
    const out = join(folder, 'interrupted')
    const child = predict(out)
    await untilFirst(child)
    child.kill('SIGINT')
    expect(await ended(child), child.text.err).toBe(130)
    const done = entries(child.text.out).length
    expect(done).toBeLessThan(PHOTOS)
    expect(child.text.err).toMatch(
      new RegExp(
        `stopping after the photo at hand; once more to stop at once\\ndar: stopped: ${PHOTOS - done} photos are left`,
      ),
    )
    expect((await wholeStems(out)).length).toBe(done)
    expect((await readdir(out)).length).toBe(SUFFIXES.length * done)
    const next = predict(out, '--resume')
    expect(await ended(next), next.text.err).toBe(0)
    const statuses = entries(next.text.out).map(({ status }) => status)
    expect([statuses.length, statuses.filter((status) => status === 'skipped').length]).toEqual([PHOTOS, done])
    expect((await wholeStems(out)).length).toBe(PHOTOS)
  })

  it('that is killed leaves no half file, and the next start clears what was under way', async () => {
    const out = join(folder, 'killed')
    const child = predict(out)
    await untilFirst(child)
    child.kill('SIGKILL')
    expect(await ended(child), child.text.err).toBe('SIGKILL')
    const before = await wholeStems(out) // reads every file
    expect(before.length).toBeGreaterThanOrEqual(1)
    // Whether the kill met a file that was being written is chance; one of another kill is there for certain.
    await writeFile(join(out, `.999.depth.npy.${HOST}-${NOBODY}-0123abcd.tmp`), 'half')
    const next = predict(out, '--resume')
    expect(await ended(next), next.text.err).toBe(0)
    expect((await readdir(out)).length).toBe(SUFFIXES.length * PHOTOS)
    expect((await wholeStems(out)).length).toBe(PHOTOS)
  })

  describe.skipIf(!canRead)('without permission', () => {
    const run = (...more: string[]) => {
      const args = [DAR, 'predict', ...more, '--model', model, '--json']
      return collected(spawn(process.execPath, args, { cwd: ROOT, ...asNobody }))
    }

    it('to read a photo, says so in one line, and does the others', async () => {
      const [some, out] = [join(folder, 'unreadable'), join(folder, 'unreadable-out')]
      await mkdir(some)
      for (const name of ['a.png', 'b.png', 'c.png']) await copyFile(join(photos, '000.png'), join(some, name))
      await chmod(join(some, 'b.png'), 0)
      await openFolder(out, 0o755)
      const child = run(some, '--out', out)
      expect(await ended(child), child.text.err).toBe(1)
      expect(child.text.err).toMatch(/^dar: [^\n]*b\.png may not be read; check its permissions\n$/)
      expect(entries(child.text.out).map(({ status }) => status)).toEqual(['done', 'failed', 'done'])
    })

    it('to write into the folder of the results, says so in one line before the first photo', async () => {
      const out = join(folder, 'unwritable')
      await openFolder(out, 0o555)
      const child = run(join(photos, '000.png'), '--out', out)
      expect(await ended(child), child.text.err).toBe(73)
      expect(child.text.err).toMatch(/^dar: cannot write [^\n]*unwritable[^\n]*EACCES[^\n]*\n$/)
      expect(child.text.out).toBe('')
    })
  })

  it('ends quietly when its reader has enough', async () => {
    const out = join(folder, 'piped')
    const child = shell(
      `dar predict ${photos} --out ${out} --model ${model} --threads 1 --json | head -1; exit "\${PIPESTATUS[0]}"`,
    )
    expect(await ended(child), child.text.err).toBe(0)
    expect(child.text.err).toBe('')
    expect(entries(child.text.out).map(({ status }) => status)).toEqual(['done'])
    await wholeStems(out)
  })

  it('goes on when nobody reads its messages any more', async () => {
    const [some, out] = [join(folder, 'unheard'), join(folder, 'unheard-out')]
    await mkdir(some)
    for (const name of ['a.jpg', 'b.jpg']) await writeFile(join(some, name), 'no photo')
    await copyFile(join(photos, '000.png'), join(some, 'c.png'))
    const child = shell(`dar predict ${some} --out ${out} --model ${model} --threads 1 --json`)
    child.stderr?.destroy()
    expect(await ended(child)).toBe(1)
    expect(entries(child.text.out).map(({ status }) => status)).toEqual(['failed', 'failed', 'done'])
    expect((await readdir(out)).sort()).toEqual(SUFFIXES.map((suffix) => `c.${suffix}`))
  })

  it.skipIf(!existsSync('/dev/full'))('says in one line that its output has no room', async () => {
    const out = join(folder, 'full-output')
    const child = shell(`dar predict ${photos}/000.png --out ${out} --model ${model} --threads 1 --json > /dev/full`)
    expect(await ended(child), child.text.err).toBe(73)
    expect(child.text.err).toMatch(/^dar: cannot write standard output: .*ENOSPC.*the disk is full.*\n$/)
  })

  it.skipIf(!canMount())('stops at a full disk with one line, what is left to do, and no half file', async () => {
    const out = join(folder, 'small-disk')
    await mkdir(out)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=300k', 'tmpfs', out])
    onTestFinished(() => {
      execFileSync('umount', ['--lazy', out])
    })
    const child = predict(out)
    expect(await ended(child), child.text.err).toBe(73)
    const all = entries(child.text.out).map(({ status }) => status)
    const done = all.length - 1
    expect(all).toEqual([...Array(done).fill('done'), 'failed'])
    expect(child.text.err).toMatch(
      new RegExp(
        `^dar: cannot write .*ENOSPC.*the disk is full: make room, or choose a folder on another one\\ndar: stopped: ${PHOTOS - all.length} photos are left; .*\\n$`,
      ),
    )
    expect((await readdir(out)).length).toBe(SUFFIXES.length * done)
    expect((await wholeStems(out)).length).toBe(done)
  })
})

/** Whether a small disk can be made: only as root, and not in every container. */
function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  const script = 'd=$(mktemp -d); mount -t tmpfs -o size=64k tmpfs "$d" && umount "$d"; s=$?; rmdir "$d"; exit $s'
  try {
    execFileSync('sh', ['-c', script], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
