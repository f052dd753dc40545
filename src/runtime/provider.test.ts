import { expect, it } from 'vitest'
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
