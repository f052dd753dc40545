/** `dar video` end to end, with the real ffmpeg; tests that need it say that they are skipped where it is not. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { DAR } from '../../test/compiled.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { writeTinyModel } from '../../test/tiny-model.ts'
import { decodeNpy } from '../image/index.ts'
import { decodeDepthPng } from '../node/index.ts'
import { live } from '../runtime/engine.ts'
import { createProgram } from './program.ts'
import { EXIT_CODES, run } from './run.ts'
import { capturePrinted } from './testing.ts'
import { registerVideo } from './video.ts'

const hasFfmpeg = ['ffmpeg', 'ffprobe'].every((name) => spawnSync(name, ['-version']).status === 0)
const ffmpeg = (...args: string[]) => execFileSync('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args])

let folder = ''
let model = ''
beforeAll(async () => {
  folder = await temporaryFolder()
  model = await writeTinyModel(join(folder, 'tiny.safetensors'))
})

let out = ''
let count = 0
const printed = capturePrinted()
beforeEach(() => {
  out = join(folder, `out${count++}`)
  mkdirSync(out)
})

async function video(...args: string[]): Promise<number> {
  const before = process.exitCode
  process.exitCode = undefined
  try {
    const line = ['video', ...args, '--model', model, '--threads', '1']
    const code = await run(() => createProgram([registerVideo], '0.0.0').parseAsync(line, { from: 'user' }))
    return code || Number(process.exitCode ?? 0)
  } finally {
    process.exitCode = before
  }
}

/** A test video of ffmpeg's, which moves. */
function made(name: string, { size = '64x48', rate = 10, seconds = 1, args = [] as string[] } = {}): string {
  const path = join(folder, name)
  ffmpeg('-f', 'lavfi', '-i', `testsrc=size=${size}:rate=${rate}:duration=${seconds}`, ...args, path)
  return path
}

/** What ffprobe says of the video stream of a file. */
function probed(path: string): Record<string, string | number> {
  const entries = 'stream=codec_name,pix_fmt,width,height,nb_read_frames,avg_frame_rate,color_space'
  const args = ['-v', 'error', '-count_frames', '-select_streams', 'v', '-show_entries', entries, '-of', 'json', path]
  return JSON.parse(execFileSync('ffprobe', args, { encoding: 'utf8' })).streams[0]
}

async function pictures(name: string, sizes: readonly (readonly [number, number])[]): Promise<string> {
  const path = join(folder, name)
  mkdirSync(path)
  for (const [i, [width, height]] of sizes.entries()) {
    const data = Uint8Array.from({ length: 3 * width * height }, (_, at) => (at * 7 + 11 * i) % 251)
    await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(join(path, `frame_${String(i + 1).padStart(4, '0')}.png`))
  }
  return path
}

const onePath = () => join(out, 'depth.mp4')

describe.skipIf(!hasFfmpeg)('dar video', () => {
  it('writes a video that everything plays, in one range of colours, and says which', async () => {
    const input = made('plain.mp4')
    const before = { ...live }
    expect(await video(input, '-o', onePath())).toBe(0)
    expect(probed(onePath())).toEqual({
      ...{ codec_name: 'h264', pix_fmt: 'yuv420p', width: 64, height: 48 },
      ...{ nb_read_frames: '10', avg_frame_rate: '10/1', color_space: 'bt709' },
    })
    expect(printed.out).toContain(
      `${input}: 10 frames of 64×48 at 10 a second (lens: not known, 26 mm assumed) → ${onePath()}`,
    )
    expect(printed.out).toContain('colours: 0.1 m to 10 m in every frame, turbo')
    expect(printed.err).toMatch(/frames 10\/10 .* took /)
    expect(readdirSync(out)).toEqual(['depth.mp4'])
    expect(live).toEqual(before)
  })

  it('makes even sides of odd ones, and shows photo, depth and legend beside each other', async () => {
    const input = made('odd.mkv', { size: '65x49', args: ['-c:v', 'ffv1'] })
    const both = join(out, 'both.webm')
    expect(await video(input, '-o', both, '--side-by-side', '--legend', '--limit', '2')).toBe(0)
    const { width, height, codec_name, nb_read_frames } = probed(both)
    expect([codec_name, Number(height) % 2, Number(width) % 2, nb_read_frames]).toEqual(['vp9', 0, 0, '2'])
    expect(width).toBeGreaterThan(130)
  })

  it('writes 16-bit pictures and an array of metres that agree', async () => {
    const [png, npy] = [join(out, 'png'), join(out, 'd.npy')]
    expect(await video(made('maps.mp4', { args: ['-frames:v', '3'] }), '--no-video', '--png', png, '--npy', npy)).toBe(
      0,
    )
    expect(readdirSync(png)).toEqual([1, 2, 3].map((n) => `frame_00000${n}.png`))
    const { shape, data } = decodeNpy(readFileSync(npy))
    expect(shape).toEqual([3, 48, 64])
    const last = await decodeDepthPng(join(png, 'frame_000003.png'))
    const metres = data.subarray(2 * 48 * 64)
    expect(Math.max(...last.data.map((value, i) => Math.abs(value - metres[i])))).toBeLessThan(0.00051)
  })

  it('begins anew at a cut', async () => {
    const input = join(folder, 'cut.mkv')
    const two = [
      '-f',
      'lavfi',
      '-i',
      'color=red:size=64x48:rate=10:duration=0.5',
      '-f',
      'lavfi',
      '-i',
      'testsrc=size=64x48:rate=10:duration=0.5',
    ]
    ffmpeg(...two, '-filter_complex', '[0][1]concat=n=2', '-c:v', 'ffv1', input)
    expect(await video(input, '-o', onePath(), '--json')).toBe(0)
    expect(JSON.parse(printed.out).smoothing.cuts).toEqual([5])
  })

  it('takes each frame as it is with --no-smooth', async () => {
    const [smooth, raw] = [join(out, 'smooth.npy'), join(out, 'raw.npy')]
    const input = made('still.mp4', { args: ['-frames:v', '4'] })
    expect(await video(input, '--no-video', '--npy', smooth)).toBe(0)
    expect(await video(input, '--no-video', '--npy', raw, '--no-smooth')).toBe(0)
    const [a, b] = [smooth, raw].map((path) => decodeNpy(readFileSync(path)).data)
    expect(a.subarray(0, 48 * 64)).toEqual(b.subarray(0, 48 * 64))
    expect(a).not.toEqual(b)
    expect(printed.out).toContain('smoothing: none')
  })

  it('reads y4m and other containers from standard input', async () => {
    const y4m = made('pipe.y4m', { args: ['-pix_fmt', 'yuv420p'] })
    const args = [DAR, 'video', '-', '-o', onePath(), '--model', model, '--threads', '1', '--json']
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { input: readFileSync(y4m), encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ input: '-', frames: 10, fps: 10 })
  })

  it('hands the format of a device on to ffmpeg', async () => {
    expect(await video('-f', 'lavfi', 'testsrc=size=64x48:rate=8', '--limit', '4', '-o', onePath(), '--json')).toBe(0)
    expect(JSON.parse(printed.out)).toMatchObject({ frames: 4, fps: 8 })
  })
})

describe.skipIf(!hasFfmpeg)('dar video, of bad input', () => {
  const written = (name: string, bytes: string) => {
    writeFileSync(join(folder, name), bytes)
    return join(folder, name)
  }
  const cut = (name: string, args: string[] = []) => {
    const whole = readFileSync(made(`whole-${name}`, { seconds: 4, args: ['-pix_fmt', 'yuv420p', ...args] }))
    writeFileSync(join(folder, name), whole.subarray(0, Math.floor(0.6 * whole.length)))
    return join(folder, name)
  }
  it.each<[string, () => string | Promise<string>, RegExp, number]>([
    [
      'what is no video',
      () => written('text.mp4', 'this is no video'),
      /text\.mp4 is not a video that can be read .*give a video/,
      1,
    ],
    ['a file that is not there', () => join(folder, 'absent.mp4'), /absent\.mp4 was not found; check the name/, 66],
    ['an empty file', () => written('empty.mp4', ''), /is empty \(0 bytes\)/, 1],
    [
      'sound alone',
      () => {
        const path = join(folder, 'sound.wav')
        ffmpeg('-f', 'lavfi', '-i', 'sine=duration=0.2', path)
        return path
      },
      /sound\.wav has no video in it/,
      1,
    ],
    [
      'a photo',
      async () => join(await pictures('photo', [[8, 8]]), 'frame_0001.png'),
      /is a photo, not a video; dar predict/,
      1,
    ],
    [
      'a cut file without its index',
      () => cut('tail.mp4'),
      /tail\.mp4 is not a video that can be read \(the index of an MP4 is missing/,
      1,
    ],
    [
      'a cut file',
      () => cut('front.mp4', ['-movflags', '+faststart']),
      /damaged or cut off after frame \d+ of 40.*--partial/,
      1,
    ],
    [
      'a cut Matroska file',
      () => cut('cut.mkv', ['-c:v', 'libx264']),
      /damaged or cut off after frame \d+ \(ffprobe: File ended prematurely\).*--partial/,
      1,
    ],
    ['an empty folder', () => pictures('none', []), /none holds no pictures/, 66],
    ['a pattern that fits nothing', () => join(folder, 'frame_%04d.png'), /no file fits .*frame_%04d\.png/, 66],
  ])('says what is wrong with %s, and writes nothing', async (_, input, message, code) => {
    expect(await video(await input(), '-o', onePath())).toBe(code)
    expect(printed.err.split('\n').filter((line) => line.startsWith('dar: '))).toEqual([expect.stringMatching(message)])
    expect(printed.out).toBe('')
    expect(readdirSync(out)).toEqual([])
  })

  it('refuses to replace a result, or its input', async () => {
    const input = made('kept.mp4', { args: ['-frames:v', '2'] })
    writeFileSync(onePath(), 'mine')
    expect(await video(input, '-o', onePath())).toBe(EXIT_CODES.output)
    expect(printed.err).toMatch(/depth\.mp4 is there already; give --overwrite/)
    expect(readFileSync(onePath(), 'utf8')).toBe('mine')
    expect(await video(input, '-o', input, '--overwrite')).toBe(1)
    expect(await video(input, '-o', onePath(), '--overwrite')).toBe(0)
    expect(probed(onePath()).nb_read_frames).toBe('2')
    const foreign = join(out, 'foreign')
    mkdirSync(foreign)
    writeFileSync(join(foreign, 'thesis.txt'), 'years')
    expect(await video(input, '--no-video', '--png', foreign, '--overwrite')).toBe(EXIT_CODES.output)
    expect(printed.err).toMatch(/holds thesis\.txt, which is no frame/)
    expect(readdirSync(foreign)).toEqual(['thesis.txt'])
  })

  it.each([
    [['-o', 'x.txt'], /x\.txt is no name of a video; end it in \.mp4, /],
    [['--fps', 'fast'], /--fps fast: give frames a second/],
    [['--near', '5', '--far', '2'], /colour range 5\.\.2 m is empty/],
    [['--no-video'], /--out names a video and --no-video wants none/],
    [['--limit', '0'], /--limit 0: give a whole number/],
  ])('refuses %j', async (flags, message) => {
    expect(await video(made('flags.mp4', { args: ['-frames:v', '1'] }), '-o', onePath(), ...flags).catch(() => 1)).toBe(
      1,
    )
    expect(printed.err).toMatch(message)
    expect(readdirSync(out)).toEqual([])
  })
})

/** A folder with programs of these names: shell scripts, in which $REAL is the true one. */
async function programs(scripts: Readonly<Record<string, string>>): Promise<string> {
  const path = await temporaryFolder()
  for (const [name, script] of Object.entries(scripts)) {
    const real = execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()
    writeFileSync(join(path, name), `#!/bin/sh\nREAL=${real}\n${script}\n`, { mode: 0o755 })
  }
  return path
}

async function withPath<T>(path: string, work: () => Promise<T>): Promise<T> {
  const before = process.env.PATH
  process.env.PATH = path
  try {
    return await work()
  } finally {
    process.env.PATH = before
  }
}

describe('dar video without ffmpeg', () => {
  it('says what is missing and how to get it, before a model is loaded', async () => {
    const input = join(folder, 'any.mp4')
    writeFileSync(input, 'anything')
    for (const args of [[input], ['-f', 'v4l2', '/dev/video0']]) {
      printed.err = ''
      const code = await withPath(await temporaryFolder(), () => video(...args, '-o', onePath()))
      expect(code).toBe(EXIT_CODES.missing)
      expect(printed.err).toMatch(/^dar: ff(mpeg|probe) was not found; install FFmpeg.*on PATH\n$/)
    }
    expect(readdirSync(out)).toEqual([])
  })

  it('reads and writes pictures all the same', async () => {
    const frames = await pictures('alone', Array(2).fill([40, 30]))
    const png = join(out, 'png')
    expect(await withPath(await temporaryFolder(), () => video(frames, '--no-video', '--png', png))).toBe(0)
    expect(readdirSync(png)).toHaveLength(2)
  })
})

describe.skipIf(!hasFfmpeg)('dar video, when ffmpeg ends in the middle', () => {
  const others = '*) exec "$REAL" "$@";; esac'
  it.each([
    [
      'reading',
      `case "$*" in *image2pipe*) "$REAL" "$@" | head -c 30000; kill -9 $$;; ${others}`,
      /ended by SIGKILL while it read .*, after frame 3 of 10; run it again/,
    ],
    [
      'writing',
      `case "$*" in *rawvideo*) head -c 20000 > /dev/null; kill -9 $$;; ${others}`,
      /cannot write .*depth\.mp4: ffmpeg was ended by SIGKILL/,
    ],
  ])('says so (%s), and leaves nothing', async (which, script, message) => {
    const input = made(`crash-${which}.mp4`)
    const path = `${await programs({ ffmpeg: script })}:${process.env.PATH}`
    expect(await withPath(path, () => video(input, '-o', onePath(), '--png', join(out, 'png')))).toBe(EXIT_CODES.gone)
    expect(printed.err.split('\n').filter((line) => line.startsWith('dar: '))).toEqual([expect.stringMatching(message)])
    expect(readdirSync(out)).toEqual([])
  })

  it('says that the disk is full', async () => {
    const input = made('full.mp4')
    const script = `case "$*" in *rawvideo*) cat > /dev/null; echo '[error] av_interleaved_write_frame(): No space left on device' >&2; exit 1;; ${others}`
    const path = `${await programs({ ffmpeg: script })}:${process.env.PATH}`
    expect(await withPath(path, () => video(input, '-o', onePath()))).toBe(EXIT_CODES.output)
    expect(printed.err).toMatch(/No space left on device; the disk is full: make room/)
  })
})

describe.skipIf(!hasFfmpeg)('dar video, interrupted', () => {
  it('writes a video of the frames so far, and exits with 130', async () => {
    const endless = ['-f', 'lavfi', 'testsrc=size=64x48:rate=10']
    const args = ['video', ...endless, '-o', onePath(), '--png', join(out, 'png'), '--model', model, '--threads', '1']
    const child = spawn(process.execPath, [DAR, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    const said = { out: '', err: '' }
    child.stdout.on('data', (text) => (said.out += text))
    child.stderr.on('data', (text) => (said.err += text))
    // The temporary folder of the pictures is there from the start; its third picture says that the work is under way.
    const begun = () =>
      readdirSync(out).some((name) => name.includes('png') && readdirSync(join(out, name)).length >= 3)
    while (!begun() && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 20))
    child.kill('SIGINT')
    const [code] = await once(child, 'close')
    expect(said.err).toMatch(/stopping after this frame; what was made is written/)
    expect(code).toBe(130)
    expect(readdirSync(out).sort()).toEqual(['depth.mp4', 'png'])
    const frames = readdirSync(join(out, 'png')).length
    expect(said.out).toContain(`interrupted after ${frames} frames, which are written`)
    expect(probed(onePath()).nb_read_frames).toBe(String(frames))
  })
})
