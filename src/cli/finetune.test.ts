import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import sharp from 'sharp'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { writeTinyModel } from '../../test/tiny-model.ts'
import { readWeights } from '../runtime/weights.ts'
import { loadRecipe } from '../train/index.ts'
import { writeRooms } from '../train/testing.ts'
import { registerFinetune } from './finetune.ts'
import { createProgram } from './program.ts'
import { EXIT_CODES, run } from './run.ts'
import { capturePrinted } from './testing.ts'
import { registerTrain } from './train.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 })

const COUNT = 20
let folder = ''
let photos = ''
let model = ''
beforeAll(async () => {
  folder = await temporaryFolder()
  photos = join(folder, 'mine')
  await writeRooms(photos, { count: COUNT, width: 96, height: 64 })
  model = await writeTinyModel(join(folder, 'tiny.safetensors'), { metadata: { predictSizes: '96x64' } })
})
const printed = capturePrinted()
afterEach(() => {
  process.exitCode = undefined
})

async function dar(...args: string[]): Promise<{ code: number; errors: string }> {
  let errors = ''
  const write = (text: string) => {
    errors += text
  }
  const program = createProgram([registerTrain, registerFinetune], '1.2.3')
  for (const command of program.commands) command.configureOutput({ writeErr: write, writeOut: write })
  const code = await run(() => program.parseAsync(args, { from: 'user' }), { write })
  return { code, errors }
}

describe('dar finetune', () => {
  it('refuses what cannot work with every reason, before it writes anything', async () => {
    const few = join(folder, 'few')
    await writeRooms(few, { count: 3, width: 32, height: 24 })
    const out = join(folder, 'refused')
    const { code, errors } = await dar('finetune', few, '--from', model, '--out', out, '--depth-scale', '1')
    expect(code).toBe(EXIT_CODES.input)
    expect(errors).toMatch(
      /^dar: .*few cannot fine-tune tiny: 3 frames with depth: .*; the typical distance is \d+ m.*; there are photos of 32x24/,
    )
    expect(errors.trim().split('\n')).toHaveLength(1)
    expect(existsSync(out)).toBe(false)
  })

  it.each([
    [['finetune', '/nowhere/at/all', '--from', 'dar-nono'], /no model 'dar-nono'/],
    [['train', 'finetune', '--data', '/nowhere/at/all'], /--from is missing/],
    [
      ['train', 'finetune', '--from', 'dar-nano', '--weights', 'dar-nano'],
      /leave --weights, --encoder and --teacher out/,
    ],
    [['train', 'tiny', '--from', 'dar-nano'], /--from and --depth-scale are for dar train finetune/],
    [['finetune', '/nowhere/at/all', '--from', 'dar-nano'], /\/nowhere\/at\/all/],
  ])('tells the mistake in %j', async (args, message) => {
    const { code, errors } = await dar(...args)
    expect(code).toBeGreaterThan(0)
    expect(errors).toMatch(message)
  })

  it('says with --plan what the run will take, and leaves no folder', async () => {
    const out = join(folder, 'planned')
    const { code, errors } = await dar('finetune', photos, '--from', model, '--threads', '1', '--out', out, '--plan')
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
    expect(printed.out).toMatch(/^finetune-mine: 80 updates, 320 images\n/)
    expect(printed.out).toMatch(/mine: weight 1, 320 images, 9 frames, 35\.6 epochs, 7 held out\n/)
    expect(printed.out).toMatch(/time {8}about .*\n(note: .*\n)*note: .*4 validations without a better one end it\n/)
    expect(existsSync(out)).toBe(false)
  })

  it('trains on a folder, stops and goes on, and shows what it gained on frames held out', async () => {
    const out = join(folder, 'run')
    // So little time that it stops after an update: everything else happens all the same.
    const short = ['--minutes', '0.0001', '--threads', '1', '--out', out]
    const first = await dar('finetune', photos, '--from', model, ...short)
    expect(first).toEqual({ code: 0, errors: '' })
    expect(printed.err).toContain('tiny fine-tuned on 9 of the 20 frames of mine')
    expect(printed.out).toMatch(/^on 4 frames held out, .*\n +before +after\nabs_rel +\d\.\d{4} +\d\.\d{4} {2}/)
    expect(printed.out).toContain(join(out, 'model-best.safetensors'))
    for (const name of ['1.png', '2.png']) {
      const { width = 0, height = 0 } = await sharp(join(out, 'held-out', name)).metadata()
      expect(width).toBeGreaterThan(4 * 320)
      expect(height).toBeGreaterThan((320 * 64) / 96)
    }
    const recipe = await loadRecipe(join(out, 'recipe.mjs'))
    expect(recipe).toMatchObject({ name: 'finetune-mine', patience: 4, data: [{ name: basename(photos) }] })

    const lines: string[] = []
    vi.spyOn(console, 'log').mockImplementation((line: string) => {
      lines.push(line)
    })
    // The other way to call it; the same run goes on.
    const again = ['train', 'finetune', '--data', photos, '--from', model, '--threads', '1', '--out', out]
    expect(await dar(...again, '--resume', '--json')).toEqual({ code: 0, errors: '' })
    const events = lines.map((line) => JSON.parse(line))
    expect(events[0]).toMatchObject({ event: 'start', total: 80 })
    expect(events[0].notes[0]).toMatch(/^resumed at update/)
    const end = events.at(-1)
    expect(end).toMatchObject({ event: 'finetuned', images: 4, model: join(out, 'model-best.safetensors') })
    expect(['done', 'patience']).toContain(end.run.reason)
    // Random weights: whatever they learn is a gain.
    expect(end.after.abs_rel).toBeLessThan(end.before.abs_rel)
    const { metadata } = await readWeights(end.model)
    expect(metadata).toMatchObject({ recipe: 'finetune-mine', predictSizes: '96x64' })
    expect(await readFile(join(out, 'log.jsonl'), 'utf8')).toContain('"reason":"time"')
    await rm(out, { recursive: true })
  })
})
