import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { openModel } from '../node/model-file.ts'
import {
  asDepthAnything,
  asDepthAnythingModel,
  asDinov2,
  asDinov2Model,
  randomTensors,
  TINY_DINO,
  targetsOf,
  tinyDino,
  writeTensors,
} from '../pretrained/testing.ts'
import { readWeights } from '../runtime/weights.ts'
import { initialise } from '../train/parameters.ts'
import { modelLayout } from '../train/step-program.ts'
import { registerInit } from './init.ts'
import { createProgram } from './program.ts'
import { EXIT_CODES, EXIT_MISTAKE, run } from './run.ts'

const config = tinyDino()
const ours = randomTensors(targetsOf(config))
const { encoderDepth: depth } = TINY_DINO

describe('dar init', () => {
  let folder = ''
  let preset = ''
  beforeEach(async () => {
    folder = await temporaryFolder()
    preset = join(folder, 'tiny.json')
    await writeFile(preset, JSON.stringify(TINY_DINO))
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    vi.unstubAllEnvs()
  })
  const at = (name: string) => join(folder, name)

  async function dar(...args: string[]): Promise<{ code: number; errors: string; printed: string }> {
    let errors = ''
    const printed: string[] = []
    const write = (text: string) => {
      errors += text
    }
    vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line))
    vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const program = createProgram([registerInit], '1.2.3')
    for (const command of program.commands) command.configureOutput({ writeErr: write, writeOut: write })
    const code = await run(() => program.parseAsync(['init', ...args], { from: 'user' }), { write })
    return { code, errors, printed: printed.join('\n') }
  }

  it('writes a model that loads: the encoder of the file, the rest as training would start it at that seed', async () => {
    const encoder = await writeTensors(at('dinov2.safetensors'), asDinov2(ours, { depth }))
    const { code, printed } = await dar(preset, '--encoder', encoder, '-o', at('model.safetensors'), '--seed', '5')
    expect(code).toBe(0)
    expect(printed).toMatch(/names of DINOv2\n {2}part +loaded +left\n {2}encoder +\d+ +0\n {2}neck +0 +\d+\n/)
    expect(printed).toMatch(/skipped {2}mask_token: stands for hidden patches/)
    expect(printed).toMatch(/model\.safetensors: .*tiny\.json, 0\.\d M parameters$/)
    const model = await openModel(at('model.safetensors'), { mapAbove: 1e9 })
    expect(model.config).toEqual(config)
    expect(model.size).toEqual({ width: 12, height: 12 })
    const layout = modelLayout(config, { height: 16, width: 16 })
    const start = initialise(layout, 5)
    const { values } = await readWeights(at('model.safetensors'))
    expect(values.size).toBe(layout.entries.length)
    for (const { name, offset, length } of layout.entries) {
      const expected = name.startsWith('encoder.') ? ours.get(name)?.values : start.slice(offset, offset + length)
      expect(values.get(name), name).toEqual(expected)
    }
  })

  it('takes neck and head of Depth Anything, under either name, and gives the same file', async () => {
    const fields = { ...TINY_DINO, head: 'dpt', dptResize: 'corners', dptOutput: 'relative' }
    await writeFile(preset, JSON.stringify(fields))
    const whole = randomTensors(targetsOf(tinyDino(fields)))
    const files = [
      await writeTensors(at('own.safetensors'), asDepthAnything(whole, { depth })),
      await writeTensors(at('hf.safetensors'), asDepthAnythingModel(whole, { depth })),
    ]
    for (const file of files) {
      const { code, printed } = await dar(preset, '--encoder', file, '-o', `${file}.out`, '--json')
      expect(code).toBe(0)
      expect(JSON.parse(printed).pretrained).toMatchObject({
        left: [],
        resized: [],
        assumed: 'blocks spread over the depth tapped (V2), relative inverse depth',
      })
      const { values } = await readWeights(join(`${file}.out`, 'model.safetensors'))
      for (const [name, data] of values) expect(data, name).toEqual(whole.get(name)?.values)
      expect(values.size).toBe(whole.size)
    }
  })

  it('says what the names of Depth Anything do not tell: which version, and of what kind its depth is', async () => {
    await writeFile(
      preset,
      JSON.stringify({ ...TINY_DINO, head: 'dpt', dptResize: 'corners', taps: [0, 1, 2, 3], dMax: 20 }),
    )
    const whole = randomTensors(targetsOf(tinyDino({ head: 'dpt', dptResize: 'corners' })))
    const file = await writeTensors(at('own.safetensors'), asDepthAnything(whole, { depth }))
    const { printed } = await dar(preset, '--encoder', file, '-o', at('out'))
    expect(printed).toMatch(
      /assumed {2}blocks 0, 1, 2, 3 tapped \(V1 taps the last four\), metres up to 20; names do not tell/,
    )
  })

  it('takes only the parts that are asked for, and resizes positions', async () => {
    await writeFile(preset, JSON.stringify({ ...TINY_DINO, posGrid: [2, 4] }))
    const file = await writeTensors(at('da.safetensors'), asDepthAnything(ours, { depth }))
    const { printed } = await dar(preset, '--encoder', file, '-o', at('out'), '--json', '--parts', 'encoder')
    const { pretrained, parameters } = JSON.parse(printed)
    expect(pretrained.resized).toEqual([{ name: 'encoder.pos_embed', from: '3×3', to: '2×4' }])
    expect(pretrained.parts).toHaveLength(1)
    expect(pretrained.assumed).toBeNull() // a V1 encoder and a V2 encoder are used alike
    expect(parameters).toBeGreaterThan(1000)
    const { values } = await readWeights(at('out/model.safetensors'))
    expect(values.get('neck.projects.0.weight')).not.toEqual(ours.get('neck.projects.0.weight')?.values)
  })

  it('without an encoder initialises everything', async () => {
    expect((await dar(preset, '-o', at('a.safetensors'))).code).toBe(0)
    const layout = modelLayout(config, { height: 16, width: 16 })
    const { values } = await readWeights(at('a.safetensors'))
    const { offset, length } = layout.entries[0]
    expect(values.get(layout.entries[0].name)).toEqual(initialise(layout, 0).slice(offset, offset + length))
  })

  it.each<[string[], RegExp, number?]>([
    [['dar-huge'], /^dar: there is no preset dar-huge; known are dar-large, .*depth-anything-v2-small/],
    [['none.json'], /^dar: none\.json was not found/, EXIT_CODES.missing],
    [['dar-lite', '--parts', 'encoder,tail'], /^dar: --parts encoder,tail: tail is none of encoder, neck, head/],
    [['dar-lite', '--seed', '-1'], /^dar: --seed -1: /],
    [['dar-lite', '--encoder', 'none.safetensors'], /^dar: none\.safetensors was not found/, EXIT_CODES.missing],
    [['dar-lite', '--encoder', 'hub:owner'], /^dar: hub:owner names no file on the Hub/],
  ])('answers %j in one line, and leaves no file', async (args, message, expected = EXIT_MISTAKE) => {
    const { code, errors } = await dar(...args, '-o', at('m.safetensors'))
    expect(code).toBe(expected)
    expect(errors).toMatch(message)
    expect(errors.split('\n')).toHaveLength(2)
    expect(await readdir(folder)).toEqual(['tiny.json'])
  })

  it('does not overwrite a file, nor go to the network when that is forbidden', async () => {
    await writeFile(at('there.safetensors'), 'mine')
    expect((await dar(preset, '-o', at('there.safetensors'))).errors).toMatch(/exists; choose another --out/)
    expect(await readFile(at('there.safetensors'), 'utf8')).toBe('mine')
    vi.stubEnv('DAR_CACHE', folder)
    const { errors } = await dar(preset, '-o', at('b'), '--encoder', 'hub:owner/name', '--offline')
    expect(errors).toMatch(/hub:owner\/name is not in the cache .*and the network is not allowed/)
  })

  it('names the tensor and both shapes when the encoder does not fit, and leaves no file', async () => {
    const file = await writeTensors(at('hf.safetensors'), asDinov2Model(ours, { depth }))
    const { code, errors } = await dar('dar-lite', '--encoder', file, '-o', at('lite'))
    expect(code).toBe(EXIT_MISTAKE)
    expect(errors).toMatch(
      /hf\.safetensors: tensor \S+ is \[[\d,]+\], .*\[[\d,]+\]; the model's encoder is a ViT of 12 blocks/,
    )
    expect(await readdir(folder)).not.toContain('lite')
  })
})
