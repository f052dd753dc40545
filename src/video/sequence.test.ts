import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { folderSequence, isPattern, patternSequence } from './sequence.ts'
import { stemOf } from './source.ts'

let folder = ''
beforeEach(async () => {
  folder = await temporaryFolder()
})

const put = (...names: string[]) => {
  for (const name of names) writeFileSync(join(folder, name), '')
}
const names = ({ paths }: { readonly paths: readonly string[] }) => paths.map((path) => basename(path))

describe('pictures as a video', () => {
  it('come in the order of their numbers', async () => {
    put('10.png', '9.png', '100.JPG', 'notes.txt', '1.webp')
    expect(names(await folderSequence(folder))).toEqual(['1.webp', '9.png', '10.png', '100.JPG'])
  })

  it.each([
    ['f_%04d.png', ['f_0009.png', 'f_0010.png', 'f_10000.png'], 9989],
    ['f_%d.png', ['f_7.png', 'f_10000.png'], 9992],
  ])('fit the pattern %s as printf would write them', async (pattern, expected, missing) => {
    put('f_0010.png', 'f_0009.png', 'f_10000.png', 'f_7.png', 'f_x.png', 'f_00011.png', 'g_0012.png', 'f_0013.jpg')
    const sequence = await patternSequence(join(folder, pattern))
    expect(names(sequence)).toEqual(expected)
    expect(sequence.missing).toBe(missing)
  })

  it('are refused when the pattern has two numbers, or fits nothing', async () => {
    await expect(patternSequence(join(folder, '%d_%d.png'))).rejects.toThrow(/more than one number/)
    await expect(patternSequence(join(folder, '%d.png'))).rejects.toThrow(/no file fits/)
    await expect(folderSequence(folder)).rejects.toThrow(/holds no pictures/)
    await expect(folderSequence(join(folder, 'absent'))).rejects.toThrow(/cannot list .*absent/)
  })

  it('are known by their pattern', () => {
    expect(['a_%04d.png', '%d.jpg', '%3d.png', '100%.mp4', 'a.mp4'].map(isPattern)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ])
  })
})

describe('what names of results begin with', () => {
  it.each([
    ['clips/walk.mp4', 'walk'],
    ['frames/', 'frames'],
    ['in/frame_%04d.png', 'frame'],
    ['%04d.png', 'video'],
    ['-', 'video'],
    ['rtsp://camera/live.sdp?user=me', 'live'],
  ])('is, for %s, %s', (input, stem) => {
    expect(stemOf(input)).toBe(stem)
  })

  it('is no path of a device', () => {
    expect(stemOf('/dev/video0', { format: 'v4l2' })).toBe('video')
  })
})
