/** For tests of batches: small photos, each of its own colour. */
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import sharp from 'sharp'

export interface PhotoOptions {
  readonly width?: number
  readonly height?: number
  readonly colour?: number
}

/** Writes a JPEG of one colour with a brighter half. */
export async function writePhoto(
  path: string,
  { width = 64, height = 48, colour = 0 }: PhotoOptions = {},
): Promise<string> {
  await mkdir(dirname(path), { recursive: true })
  const data = Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => (i < width * height ? 40 : 120) + ((colour * 37) % 120),
  )
  await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg()
    .toFile(path)
  return path
}

/** `count` photos in a folder, `00.jpg`, `01.jpg` … */
export async function writePhotos(folder: string, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, i) => `${String(i).padStart(2, '0')}.jpg`)
  for (const [i, name] of names.entries()) await writePhoto(join(folder, name), { colour: i })
  return names
}
