import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { DAR } from '../../test/compiled.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { compile, exp, Graph } from '../graph/index.ts'
import { DarError } from '../support/errors.ts'
import { Engine } from './engine.ts'

const graph = new Graph()
const compiled = compile({ y: exp(graph.input('x', [2])) }, { name: 'tiny' })

it('computes on WebGPU where the machine has it, and says in one line where it has not', async () => {
  await using engine = new Engine({ threads: 1, provider: 'webgpu' })
  const program = await engine.load(compiled).catch((error: unknown) => error)
  if (program instanceof Error) {
    expect(program).toBeInstanceOf(DarError)
    expect(program).toMatchObject({ kind: 'missing' })
    expect(program.message).toMatch(/^the device webgpu cannot be used here: .+; take cpu$/)
  } else {
    await using loaded = program as Awaited<ReturnType<Engine['load']>>
    const { y } = await loaded.run({ x: Float32Array.of(0, 1) })
    expect([...y]).toEqual([expect.closeTo(1, 5), expect.closeTo(Math.E, 5)])
  }
})

it('says in one line that the library of CUDA is not installed, and how it is', async () => {
  const out = join(await temporaryFolder(), 'run')
  const args = [DAR, 'train', 'tiny', '--device', 'cuda', '--set', 'stages.0.updates=1', '--out', out]
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  if (status === 0 || process.platform !== 'linux') return // a machine with CUDA, or one that ONNX Runtime knows none for
  expect(status).toBe(66)
  expect(stderr).toMatch(/^dar: the device cuda cannot be used here: [^\n]+; take cpu\n$/)
}, 120_000)
