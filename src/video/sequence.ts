/** Pictures as the frames of a video: a folder of them, or a pattern such as `frame_%04d.png`. They are read without ffmpeg. */
import { readdir } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import type { RgbImage } from '../image/types.ts'
import { decodeImage } from '../node/decode.ts'
import type { StopSignal } from '../predict/types.ts'
import { DarError, messageOf } from '../support/errors.ts'

const PICTURE = new Set(['.jpg', '.jpeg', '.png', '.webp'])
/** `%d`, `%4d`, `%04d`. */
const NUMBER = /%(?:0?(\d+))?d/

export interface Sequence {
  /** In their order. */
  readonly paths: readonly string[]
  /** Numbers that a pattern leaves out between its first and its last. */
  readonly missing: number
}

/** Whether the last part of a path has a place for a number. */
export const isPattern = (path: string): boolean => NUMBER.test(basename(path))

/**
 * The pictures of a folder, in the order of their names with numbers read as numbers (`2.png` before `10.png`).
 * @throws DarError when there is none.
 */
export async function folderSequence(folder: string): Promise<Sequence> {
  const names = (await namesOf(folder)).filter((name) => PICTURE.has(extname(name).toLowerCase()))
  if (names.length === 0)
    throw new DarError(`${folder} holds no pictures; give a folder of JPEG, PNG or WebP files, one for each frame`, {
      kind: 'missing',
    })
  const order = new Intl.Collator('en', { numeric: true }).compare
  return { paths: names.sort(order).map((name) => join(folder, name)), missing: 0 }
}

/** The pictures whose names fit a pattern, by their numbers. @throws DarError when there is none, or the pattern has two places. */
export async function patternSequence(pattern: string): Promise<Sequence> {
  const [before, after, more] = basename(pattern)
    .split(new RegExp(NUMBER.source, 'g'))
    .filter((_, i) => i % 2 === 0)
  if (more !== undefined) throw new DarError(`${pattern} has more than one number; give one, such as frame_%04d.png`)
  const digits = Number(NUMBER.exec(basename(pattern))?.[1] ?? 1)
  const found: { readonly number: number; readonly path: string }[] = []
  for (const name of await namesOf(dirname(pattern))) {
    if (!name.startsWith(before) || !name.endsWith(after) || name.length < before.length + after.length) continue
    const number = name.slice(before.length, name.length - after.length)
    // printf's rule: padded to so many digits, and more where the number needs them.
    if (!/^\d+$/.test(number) || number.length < digits || (number.length > digits && number.startsWith('0'))) continue
    found.push({ number: Number(number), path: join(dirname(pattern), name) })
  }
  if (found.length === 0)
    throw new DarError(`no file fits ${pattern}; check the folder and the number of digits`, { kind: 'missing' })
  found.sort((a, b) => a.number - b.number)
  return {
    paths: found.map(({ path }) => path),
    missing: found[found.length - 1].number - found[0].number + 1 - found.length,
  }
}

async function namesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    throw new DarError(`cannot list ${folder}: ${messageOf(error)}; check the name`, { kind: 'missing' })
  }
}

/**
 * Reads one picture after the other, upright. An aborted signal ends the sequence.
 * @throws DarError when one cannot be read, or is of another size than the first.
 */
export async function* sequenceFrames(
  { paths }: Sequence,
  { signal }: { readonly signal?: StopSignal } = {},
): AsyncGenerator<RgbImage, void, undefined> {
  let first: RgbImage | null = null
  for (const path of paths) {
    if (signal?.aborted) return
    const image = await decodeImage(path)
    first ??= image
    if (image.width !== first.width || image.height !== first.height)
      throw new DarError(
        `${path} has ${image.width}×${image.height} pixels and ${paths[0]} has ${first.width}×${first.height}; the frames of a video are of one size, so scale them first`,
      )
    yield image
  }
}
