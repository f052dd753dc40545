import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { readWeights } from '../runtime/weights.ts'
import { modelPath } from '../train/index.ts'
import { tinyRecipe, writeRooms } from '../train/testing.ts'
import { createProgram } from './program.ts'
import { EXIT_CODES, run } from './run.ts'
import { registerTrain } from './train.ts'

vi.setConfig({ testTimeout: 300_000 })

/** Runs `dar` with these arguments, and gives what it would exit with and what it said. */
async function dar(...args: string[]): Promise<{ code: number; errors: string }> {
  let errors = ''
  const write = (text: string) => {
    errors += text
  }
  const program = createProgram([registerTrain], '1.2.3')
  for (const command of program.commands) command.configureOutput({ writeErr: write, writeOut: write })
  const code = await run(() => program.parseAsync(args, { from: 'user' }), { write })
  return { code, errors }
}

describe('dar train', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await temporaryFolder()
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    process.exitCode = undefined
  })

  it.each([
    ['missing', ['nothing-like-this'], /^dar: there is no recipe nothing-like-this; .*dar-nano/],
    ['input', [], /^dar: give a recipe: a file, or a name that --list has/],
    ['input', ['tiny', '--set', 'schedule.rat=1'], /^dar: --set .* \(did you mean rate\?\); it has rate, /],
    ['input', ['dar-nano', '--minutes', '-1'], /^dar: --minutes -1: give a number above 0/],
    ['input', ['dar-nano', '--minutes', 'ten'], /^dar: --minutes ten: /],
    ['input', ['dar-nano', '--workers', '0'], /^dar: --workers 0: give a whole number above 0/],
    ['input', ['dar-nano', '--cache', '-1'], /^dar: --cache -1: give a number of at least 0/],
    ['input', ['dar-nano', '--pictures', '-1'], /^dar: --pictures -1: give a whole number from 0/],
    ['input', ['dar-nano', '--port', '80'], /^dar: --port 80: only with --watch/],
    ['input', ['dar-nano', '--threads', '1.5'], /^dar: --threads 1\.5: give a whole number/],
    [
      'missing',
      ['tiny', '--weights', 'dar-nono'],
      /^dar: there is no model 'dar-nono': the shipped models are dar-nano/,
    ],
    ['missing', ['tiny', '--teacher', 'dar-nono'], /^dar: there is no model 'dar-nono'/],
  ] as const)('has a mistake of the kind %s in %j, told in one line', async (kind, args, message) => {
    const { code, errors } = await dar('train', ...args)
    expect(code).toBe(EXIT_CODES[kind])
    expect(errors).toMatch(message)
    expect(errors.split('\n')).toHaveLength(2)
  })

  it('says when an encoder that has public weights starts without them', async () => {
    const said: string[] = []
    vi.spyOn(console, 'error').mockImplementation((line: string) => {
      said.push(line)
    })
    const { code, errors } = await dar('train', 'dar-nano', '--data', '/nowhere', '--out', join(folder, 'run'))
    expect(code).toBe(EXIT_CODES.missing)
    expect(errors).toMatch(/^dar: .*\/nowhere\//)
    expect(said[0]).toMatch(/^dar: dar-nano starts from random weights, its encoder too, .* give --encoder FILE/)
  })

  it('changes the recipe with --set, says so in the log, and refuses to resume with other values', async () => {
    await writeRooms(join(folder, 'rooms'), { count: 2, width: 64, height: 32 })
    const recipe = join(folder, 'mine.mjs')
    await writeFile(recipe, `export default ${JSON.stringify(tinyRecipe({ name: 'mine' }))}`)
    const out = join(folder, 'run')
    const given = ['train', recipe, '--data', folder, '--out', out, '--threads', '1', '--json', '--set', 'seed=7']
    const printed: string[] = []
    vi.spyOn(console, 'log').mockImplementation((line: string) => {
      printed.push(line)
    })
    expect(await dar(...given, '--set', 'stages.0.updates=1')).toEqual({ code: 0, errors: '' })
    expect(JSON.parse(printed[0])).toMatchObject({
      event: 'start',
      total: 1,
      settings: ['seed=7', 'stages.0.updates=1'],
    })
    const { code, errors } = await dar(...given, '--resume', '--set', 'stages.0.updates=2')
    expect(code).toBe(1)
    expect(errors).toMatch(/is of a run with other settings; this one has stages\.0\.updates 2 instead of 1/)
  })

  it('tells with --plan what a run takes, and leaves no folder', async () => {
    await writeRooms(join(folder, 'rooms'), { count: 2, width: 64, height: 32 })
    const recipe = join(folder, 'mine.mjs')
    await writeFile(recipe, `export default ${JSON.stringify(tinyRecipe({ name: 'mine' }))}`)
    let said = ''
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      said += text
      return true
    })
    const given = ['train', recipe, '--data', folder, '--out', join(folder, 'run'), '--threads', '1', '--plan']
    expect(await dar(...given)).toEqual({ code: 0, errors: '' })
    expect(said).toMatch(/^mine: 6 updates, 12 images\n/)
    expect(said).toMatch(/rooms: weight 1, 12 images, 2 frames, 6\.0 epochs\n/)
    expect(said).toMatch(/time {8}about /)
    said = ''
    expect(await dar(...given, '--json')).toEqual({ code: 0, errors: '' })
    expect(JSON.parse(said)).toMatchObject({ recipe: 'mine', updates: 6 })
    said = ''
    expect(await dar('train', '--list')).toEqual({ code: 0, errors: '' })
    expect(said).toMatch(/^kitti-dar-large +dar-large on KITTI/m)
    write.mockRestore()
    expect(existsSync(join(folder, 'run'))).toBe(false)
  })

  it('finds --weights by the name of a shipped model, as --model', async () => {
    await writeRooms(join(folder, 'rooms'), { count: 2, width: 64, height: 32 })
    const recipe = join(folder, 'mine.mjs')
    await writeFile(recipe, `export default ${JSON.stringify(tinyRecipe({ name: 'mine' }))}`)
    // The recipe's model is another one: that it says so shows that the file was found.
    const { errors } = await dar(
      'train',
      recipe,
      '--data',
      folder,
      '--out',
      join(folder, 'run'),
      '--weights',
      'dar-nano',
    )
    expect(errors).toMatch(/models\/dar-nano\/model\.safetensors/)
  })

  it('stops at a signal with a checkpoint and the exit code of that signal, and says how to go on', async () => {
    await writeRooms(join(folder, 'rooms'), { count: 2, width: 64, height: 32 })
    const recipe = join(folder, 'mine.mjs')
    await writeFile(recipe, `export default ${JSON.stringify(tinyRecipe({ name: 'mine' }))}`)
    const out = join(folder, 'run')
    const printed: string[] = []
    vi.spyOn(console, 'error').mockImplementation(() => {})
    vi.spyOn(console, 'log').mockImplementation((line: string) => {
      printed.push(line)
      // As npm does it: the terminal's signal, and npm's copy of it.
      if (JSON.parse(line).event === 'step') for (let i = 0; i < 2; i++) process.emit('SIGINT', 'SIGINT')
    })
    const before = process.listenerCount('SIGINT')
    const { code, errors } = await dar('train', recipe, '--data', folder, '--out', out, '--threads', '1', '--json')
    expect(errors).toBe('')
    expect(code).toBe(0)
    expect(process.exitCode).toBe(130)
    expect(process.listenerCount('SIGINT')).toBe(before)
    const events = printed.map((line) => JSON.parse(line))
    expect(events.map(({ event }) => event)).toEqual(['start', 'step', 'checkpoint', 'end'])
    expect(events.at(-1)).toMatchObject({ step: 1, total: 6, reason: 'interrupted' })
    expect((await readFile(join(out, 'log.jsonl'), 'utf8')).split('\n')).toHaveLength(5)
  })

  it('computes the same bit for bit whether somebody watches or not, and leaves a report', async () => {
    await writeRooms(join(folder, 'rooms'), { count: 4, width: 64, height: 32 })
    const path = join(folder, 'mine.mjs')
    const data = [
      { kind: 'dataset', name: 'rooms', path: 'rooms', weight: 1, split: { kind: 'tail', fraction: 0.5, gap: 0 } },
    ] as const
    const recipe = tinyRecipe({ name: 'mine', data, validateEvery: 2 })
    await writeFile(path, `export default ${JSON.stringify(recipe)}`)
    const printed: string[] = []
    const said: string[] = []
    const looks: Promise<string>[] = []
    vi.spyOn(console, 'error').mockImplementation((line: string) => {
      said.push(line)
    })
    vi.spyOn(console, 'log').mockImplementation((line: string) => {
      printed.push(line)
      const [, url] = /watch it at (\S+)/.exec(said.join('\n')) ?? []
      if (url) looks.push(fetch(url).then((answer) => answer.text()))
    })
    const session = async (out: string, ...flags: string[]) => {
      printed.length = 0
      said.length = 0
      const place = ['--data', folder, '--out', join(folder, out), '--threads', '1', '--json']
      const { code, errors } = await dar('train', path, ...place, ...flags)
      expect([code, errors]).toEqual([0, ''])
      const untimed = (key: string, value: unknown) => (key === 'seconds' || key === 'imagesPerSecond' ? 0 : value)
      const { values } = await readWeights(modelPath(join(folder, out)))
      return { events: printed.map((line) => JSON.stringify(JSON.parse(line), untimed)), values }
    }
    const alone = await session('alone')
    expect(said).toEqual([`the report is ${join(folder, 'alone', 'report.html')}`])
    const watched = await session('watched', '--watch', '--port', '0', '--pictures', '2', '--tensorboard')
    expect(alone.events.filter((line) => line.startsWith('{"event":"step"'))).toHaveLength(6)
    expect(watched.events).toEqual(alone.events)
    expect(watched.values).toEqual(alone.values)
    expect(looks.length).toBeGreaterThan(6)
    for (const page of await Promise.all(looks)) expect(page).toContain('mine in watched')
    const files = (out: string) => readdir(join(folder, out)).then((names) => names.filter((name) => !/^\./.test(name)))
    const written = ['checkpoint.safetensors', 'log.jsonl', 'model.safetensors', 'report.html']
    expect((await files('alone')).sort()).toEqual(written)
    expect((await files('watched')).filter((name) => !name.startsWith('events.out.tfevents.')).sort()).toEqual(
      [...written, 'pictures'].sort(),
    )
    expect(await readdir(join(folder, 'watched', 'pictures'))).toHaveLength(3)
    const report = await readFile(join(folder, 'watched', 'report.html'), 'utf8')
    for (const part of ['data:image/jpeg', 'Gradient by part', 'Saturation of h', '&quot;validateEvery&quot;: 2'])
      expect(report).toContain(part)
  })
})
