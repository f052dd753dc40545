import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { tinyConfig } from '../../test/tiny-config.ts'
import { writeTinyModel } from '../../test/tiny-model.ts'
import { configText, parseConfig } from '../model/index.ts'
import { readWeights, writeWeights } from '../runtime/weights.ts'
import { createProgram } from './program.ts'
import { EXIT_CODES, run } from './run.ts'
import { registerTrace } from './trace.ts'

/** A head without steps, and few layers: what is tested is the command. */
const CONFIG = tinyConfig({ head: 'ord2seq', patch: 16, posGrid: [2, 2], layerScale: false })
const IMAGE = { shape: [1, 3, 32, 48], values: Float32Array.from({ length: 3 * 32 * 48 }, (_, i) => Math.sin(i / 7)) }
const DEPTH = { shape: [1, 1, 20, 30], values: Float32Array.from({ length: 600 }, (_, i) => (i * 0.37) % 9) }

type Files = Readonly<Record<'model' | 'inputs' | 'blind', string>>
let folder = ''
let files: Files
beforeAll(async () => {
  folder = await temporaryFolder()
  files = {
    model: await writeTinyModel(join(folder, 'model.safetensors'), { config: CONFIG, dtype: 'F32' }),
    inputs: join(folder, 'inputs.safetensors'),
    blind: join(folder, 'blind.safetensors'),
  }
  const [image, depth] = [
    { name: 'image', ...IMAGE },
    { name: 'depth', ...DEPTH },
  ]
  await writeWeights(files.inputs, [image, depth], {})
  await writeWeights(files.blind, [depth], {})
})

let printed = ''
let errors = ''
beforeEach(() => {
  printed = ''
  errors = ''
  vi.spyOn(console, 'log').mockImplementation((text: string) => {
    printed += `${text}\n`
  })
})
afterEach(() => {
  vi.restoreAllMocks()
})

/** `dar trace` with these arguments, as `main.ts` runs it; returns the exit code. */
async function trace(...args: string[]): Promise<number> {
  const before = process.exitCode
  process.exitCode = undefined
  try {
    const program = createProgram([registerTrace], '0.0.0')
    const code = await run(() => program.parseAsync(['node', 'dar', 'trace', '--threads', '1', ...args]), {
      write: (text) => {
        errors += text
      },
    })
    return code || Number(process.exitCode ?? 0)
  } finally {
    process.exitCode = before
  }
}

/** A file as the reference writes one: model, inputs and what came out, of which one number may be moved. */
async function fixture(name: string, traced: string, { moved, by = 0 }: { moved?: string; by?: number } = {}) {
  const [model, results] = [await readWeights(files.model), await readWeights(traced)]
  const tensors = [
    ...[...model.values].map(([key, values]) => ({ name: `param/${key}`, shape: model.shapes.get(key)!, values })),
    ...[...results.values].map(([key, values]) => ({ name: key, shape: results.shapes.get(key)!, values })),
    { name: 'input/image', ...IMAGE },
    { name: 'input/depth', ...DEPTH },
  ].map(({ name, shape, values }) => {
    const copy = Float32Array.from(values)
    if (name === moved) copy[0] += by * Math.max(...copy.map(Math.abs))
    return { name, shape, values: copy }
  })
  const path = join(folder, `${name}.safetensors`)
  await writeWeights(path, tensors, { config: configText(CONFIG) })
  return path
}

describe('dar trace', () => {
  test('writes every intermediate of a model file; with --loss also the loss and all gradients', async () => {
    const out = join(folder, 'plain.safetensors')
    expect(await trace('--model', files.model, '--input', files.inputs, '--out', out)).toBe(0)
    expect(printed).toMatch(/plain\.safetensors: \d+ tensors/)
    const plain = await readWeights(out)
    expect([...plain.values.keys()].every((name) => name.startsWith('trace/'))).toBe(true)
    expect(plain.shapes.get('trace/depth_full')).toEqual([1, 1, 32, 48])
    expect(plain.shapes.get('trace/level5.logit')).toEqual([1, 1, 32, 48])
    expect(plain.metadata.config).toBe(configText(CONFIG))

    const scored = join(folder, 'scored.safetensors')
    expect(await trace('--model', files.model, '--input', files.inputs, '--out', scored, '--loss')).toBe(0)
    const { values, shapes } = await readWeights(scored)
    const { shapes: parameters } = await readWeights(files.model)
    for (const [name, shape] of parameters) expect(shapes.get(`grad/${name}`), name).toEqual(shape)
    expect(shapes.get('trace/level5.forced_logit')).toEqual([1, 1, 20, 30])
    const terms = values.get('loss_terms')!
    expect(terms).toHaveLength(6)
    expect(values.get('loss')![0]).toBeCloseTo(
      terms.reduce((a, b) => a + b),
      4,
    )

    // What was written checks against itself, as a fixture that is weights, input and reference at once.
    const same = await fixture('same', scored)
    expect(await trace('--model', same, '--check', '--loss')).toBe(0)
    expect(printed).toMatch(/all \d+ tensors agree/)

    // Without --loss only the trace is compared, and nothing that the loss makes.
    const wrongGradient = await fixture('gradient', scored, { moved: 'grad/head.hidden.weight', by: 0.01 })
    expect(await trace('--model', wrongGradient, '--check')).toBe(0)
    printed = ''
    expect(await trace('--model', wrongGradient, '--check', '--loss')).toBe(1)
    expect(printed.split('\n')[0]).toMatch(/^grad\/head\.hidden\.weight +\d\.\d+e-[23] {2}beyond 0\.001$/)
    expect(printed).toMatch(/1 of \d+ tensors are out of tolerance/)

    const wrongValue = await fixture('value', scored, { moved: 'trace/features', by: 0.01 })
    printed = ''
    expect(await trace('--model', wrongValue, '--check', '--json')).toBe(1)
    const { passed, errors: found } = JSON.parse(printed)
    expect(passed).toBe(false)
    expect(found[0]).toMatchObject({ name: 'trace/features', tolerance: 5e-4, ok: false })
    expect(found.slice(1).every(({ ok }: { ok: boolean }) => ok)).toBe(true)
    expect(await trace('--model', wrongValue, '--check', '--tolerance', '0.05')).toBe(0)
  })

  test('shows the tree of a pixel: bins that double from step to step', async () => {
    const config = parseConfig({
      ...CONFIG,
      head: 'dar',
      window: 'soft',
      leaves: 16,
      steps: 3,
      neckFeatures: 16,
      fine: true,
    })
    const model = await writeTinyModel(join(folder, 'soft.safetensors'), { config, dtype: 'F32' })
    expect(await trace('--model', model, '--input', files.inputs, '--pixel', '20,10')).toBe(0)
    const lines = printed.trim().split('\n')
    expect(lines.map((line) => /^step (\w+) +(\d+) bins/.exec(line)?.slice(1))).toEqual([
      ['1', '4'],
      ['2', '8'],
      ['3', '16'],
      ['fine', '16'],
    ])
    printed = ''
    expect(await trace('--model', model, '--input', files.inputs, '--pixel', '20,10', '--json')).toBe(0)
    const { tree } = JSON.parse(printed)
    for (const { probabilities } of tree)
      expect(probabilities.reduce((a: number, b: number) => a + b)).toBeCloseTo(1, 5)
  })

  const cases: [string, (f: Files) => string[], RegExp][] = [
    [
      'a check against nothing',
      (f) => ['--model', f.model, '--input', f.inputs, '--check'],
      /inputs\.safetensors holds no trace\/… tensors to check against; give a fixture of the reference/,
    ],
    [
      'a file without an image',
      (f) => ['--model', f.model, '--out', 'x'],
      /model\.safetensors holds no tensor input\/image/,
    ],
    ['nothing to do', (f) => ['--model', f.model], /nothing to do: give --out FILE, --check or --pixel X,Y/],
    [
      'a pixel that is none',
      (f) => ['--model', f.model, '--input', f.inputs, '--pixel', '3'],
      /--pixel 3: give column and row/,
    ],
    [
      'the tree of a model without bins',
      (f) => ['--model', f.model, '--input', f.inputs, '--pixel', '3,4'],
      /a model with the head ord2seq has no bins/,
    ],
    ['a result over its source', (f) => ['--model', f.model, '--out', f.model], /would replace .*model\.safetensors/],
    [
      'a tolerance of nothing',
      (f) => ['--model', f.model, '--out', 'x', '--tolerance', '1'],
      /--tolerance needs --check/,
    ],
    ['a tolerance below 0', (f) => ['--model', f.model, '--check', '--tolerance', '-1'], /give a number above 0/],
    ['no model', () => ['--out', 'x'], /--model is missing/],
  ]
  test.each(cases)('refuses %s', async (_name, args, message) => {
    vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
    expect(await trace(...args(files))).toBe(1)
    expect(errors).toMatch(message)
  })

  test('refuses weights without a config, as a model that is none', async () => {
    expect(await trace('--model', files.inputs, '--out', 'x')).toBe(EXIT_CODES.model)
    expect(errors).toMatch(/inputs\.safetensors holds no model config/)
  })

  test('takes --weights, the former name of --model', async () => {
    expect(await trace('--weights', files.model, '--input', files.inputs, '--out', join(folder, 'former'))).toBe(0)
  })

  test('refuses inputs of the wrong shape, and a loss without depth', async () => {
    const input = async (name: string, shape: number[], depth?: number[]) => {
      const tensor = (key: string, s: number[]) => ({
        name: key,
        shape: s,
        values: new Float32Array(s.reduce((a, b) => a * b)),
      })
      const path = join(folder, `${name}.safetensors`)
      await writeWeights(path, [tensor('image', shape), ...(depth ? [tensor('depth', depth)] : [])], {})
      return path
    }
    const refused = async (path: string, message: RegExp) => {
      errors = ''
      expect(await trace('--model', files.model, '--input', path, '--out', join(folder, 'no'), '--loss')).toBe(1)
      expect(errors).toMatch(message)
    }
    await refused(await input('grey', [1, 1, 32, 48]), /the image is \[1,1,32,48\]; it must be B,3,H,W/)
    await refused(await input('odd', [1, 3, 30, 48]), /48×30; both sides must be multiples of 16/)
    await refused(await input('nodepth', [1, 3, 32, 48]), /holds no tensor input\/depth \(or depth\) to score against/)
    await refused(await input('two', [1, 3, 32, 48], [2, 1, 8, 8]), /the depth is \[2,1,8,8\]; it must be 1,1,H,W/)
    await expect(readFile(join(folder, 'no'))).rejects.toThrow('ENOENT')
  })

  test('names a parameter that is missing or has another shape', async () => {
    const { values, shapes } = await readWeights(files.model)
    const spoil = async (path: string, name: string, keep: boolean) => {
      const tensors = [...values].flatMap(([key, v]) =>
        key === name && !keep
          ? []
          : [{ name: key, shape: key === name ? [v.length] : shapes.get(key)!, values: Float32Array.from(v) }],
      )
      await writeWeights(path, tensors, { config: configText(CONFIG) })
      return trace('--model', path, '--input', files.inputs, '--out', join(folder, 'no'))
    }
    expect(await spoil(join(folder, 'gone.safetensors'), 'head.decision.weight', false)).toBe(EXIT_CODES.model)
    expect(errors).toMatch(/gone\.safetensors: the tensor head\.decision\.weight is missing/)
    expect(await spoil(join(folder, 'flat.safetensors'), 'head.hidden.weight', true)).toBe(EXIT_CODES.model)
    expect(errors).toMatch(/head\.hidden\.weight is \[64\] where its config needs \[8,8,1,1\]/)
  })
})
