import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { decodeImage } from '../node/index.ts'
import { registerData } from './data.ts'
import { createProgram } from './program.ts'
import { EXIT_CODES, run } from './run.ts'

let root = ''
let printed = ''
let complained = ''
beforeEach(async () => {
  root = await temporaryFolder()
  printed = ''
  complained = ''
  process.exitCode = 0
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text
    return true
  })
  vi.spyOn(process.stderr, 'write').mockReturnValue(true)
})
afterEach(async () => {
  vi.restoreAllMocks()
  process.exitCode = 0
})

const dar = (...args: string[]) =>
  run(() => createProgram([registerData], '0').parseAsync(['data', ...args], { from: 'user' }), {
    write: (text) => {
      complained += text
    },
  })
const make = (count: number) =>
  dar('make', 'rooms', '--count', String(count), '--out', join(root, 'set'), '--size', '40x30')

describe('dar data', () => {
  it('makes rooms, and inspects them: figures, a histogram, a contact sheet', async () => {
    expect(await make(3)).toBe(0)
    expect(printed).toMatch(/set: 3 rooms written\n$/)
    const sheet = join(root, 'sheet.png')
    expect(await dar('inspect', join(root, 'set'), '--sheet', sheet)).toBe(0)
    expect(printed).toMatch(/frames {7}3\n/)
    expect(printed).toMatch(/photos {7}40x30\n/)
    expect(printed).toMatch(/100\.0 % of the pixels/)
    expect(printed).toMatch(/█/)
    expect(printed).toMatch(/nothing suspicious/)
    expect((await decodeImage(sheet)).width).toBeGreaterThan(500)
    expect(process.exitCode).toBe(0)
  })

  it('names and counts corrupt files, notes broken pairs, and ends with exit code 1', async () => {
    await make(4)
    const whole = await readFile(join(root, 'set/depth/000000.png'))
    await writeFile(join(root, 'set/depth/000000.png'), whole.subarray(0, whole.length / 2))
    await writeFile(join(root, 'set/rgb/000001.png'), 'not a photo')
    await rm(join(root, 'set/depth/000002.png'))
    expect(await dar('inspect', join(root, 'set'))).toBe(0)
    expect(process.exitCode).toBe(1)
    expect(printed).toMatch(
      /2 frames cannot be read:\n {4}.*depth\/000000\.png is a damaged or incomplete PNG.*\n {4}.*rgb\/000001\.png is not an image/,
    )
    expect(printed).toMatch(/note: 1 of 4 photos have no depth map, first .*depth\/000002\.png/)
  })

  it('leaves out what is nearer or farther than asked', async () => {
    await make(1)
    const valid = async (...flags: string[]) => {
      printed = ''
      expect(await dar('inspect', join(root, 'set'), '--json', ...flags)).toBe(0)
      return JSON.parse(printed)
    }
    const { metres } = await valid()
    const { metres: kept, valid: part } = await valid('--minimum', '0.5', '--maximum', `${metres.median}`)
    expect(kept.max).toBeLessThanOrEqual(metres.median)
    expect(part.mean).toBeLessThan(1)
  })

  it('prints one JSON document', async () => {
    await make(1)
    printed = ''
    expect(await dar('inspect', join(root, 'set'), '--json')).toBe(0)
    expect(JSON.parse(printed)).toMatchObject({ layout: 'folder', frames: 1, broken: [], imageSizes: { '40x30': 1 } })
  })

  it.each([
    [['inspect', '.', '--limit', '-1'], /--limit -1: give a whole number above 0/],
    [['inspect', '.', '--limit', '1.5'], /--limit 1\.5: give a whole number/],
    [['inspect', '.', '--maximum', 'far'], /--maximum far: give a number above 0/],
    [['inspect', '.', '--sheet', 'a.jpg'], /ends in \.png/],
    [['inspect', '.', '--near', '5', '--far', '2'], /--near 5 is not less than --far 2/],
    [['make', 'streets', '--count', '1', '--out', 'x'], /'streets' cannot be made/],
    [['make', 'rooms', '--count', '1', '--out', 'x', '--seed', 'a'], /--seed a/],
  ] as const)('%j is one line', async (args, message) => {
    expect(await dar(...args)).toBe(1)
    expect(complained).toMatch(message)
    expect(complained.trim()).not.toContain('\n')
  })

  it('says that a path is not there, with the code for that', async () => {
    expect(await dar('inspect', 'nowhere')).toBe(EXIT_CODES.missing)
    expect(complained).toMatch(/nowhere was not found/)
  })

  it('refuses to write into a folder with other things in it', async () => {
    await mkdir(join(root, 'set'))
    await writeFile(join(root, 'set/letter.txt'), 'dear')
    expect(await make(1)).toBe(1)
    expect(complained).toMatch(/is not empty/)
  })
})
