import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PbfWriter } from 'pbf'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { alignWeights } from './align-weights.ts'

/** An .onnx file of such initializers, with something before, between and behind them that must stay. */
function modelOf(initializers: readonly Readonly<Record<string, string>>[]): Uint8Array {
  const pbf = new PbfWriter()
  pbf.writeVarintField(1, 10)
  pbf.writeMessage(
    7,
    (_, graph) => {
      graph.writeStringField(2, 'a graph')
      for (const [i, entries] of initializers.entries())
        graph.writeMessage(
          5,
          (_, tensor) => {
            tensor.writeVarintField(1, -1) // ten bytes, as of a negative number
            tensor.writeStringField(8, `constant_${i}`)
            for (const entry of Object.entries(entries))
              tensor.writeMessage(
                13,
                ([key, value], pair) => {
                  pair.writeStringField(1, key)
                  pair.writeStringField(2, value)
                },
                entry,
              )
            tensor.writeVarintField(14, 1)
          },
          null,
        )
      graph.writeStringField(10, 'about it')
    },
    null,
  )
  pbf.writeFloatField(99, 1.5)
  return pbf.finish()
}

async function files(model: Uint8Array, weights: Uint8Array) {
  const folder = await temporaryFolder()
  const [program, data] = [join(folder, 'p.onnx'), join(folder, 'p.bin')]
  await writeFile(program, model)
  await writeFile(data, weights)
  return { program, data }
}

const bytes = (length: number, value: number) => new Uint8Array(length).fill(value)

describe('alignWeights', () => {
  it('moves weights and packed weights to multiples of 64, large ones to where pages begin, and keeps all else', async () => {
    const PAGE = 65_536
    const old = Buffer.concat([bytes(100, 1), bytes(40, 2), bytes(60, 3), bytes(PAGE - 200, 0), bytes(90, 4)])
    const at = (a: number, b: number, c: number, d: number): Readonly<Record<string, string>>[] => [
      { location: 'p.bin', offset: `${a}`, length: '100', prepacked_0: `MatMul+77|${b};40;0|${c};60;0` },
      { location: 'p.bin', offset: `${d}`, length: '90' },
    ]
    const { program, data } = await files(modelOf(at(0, 100, 140, PAGE)), old)
    await alignWeights(program, data)
    // The 60 bytes are followed by what lay between them and the page.
    const next = 2 * PAGE
    expect(Buffer.compare(await readFile(program), modelOf(at(0, 128, 192, next)))).toBe(0)
    const moved = await readFile(data)
    expect(moved.length).toBe(next + 90)
    for (const [from, length, value] of [
      [0, 100, 1],
      [128, 40, 2],
      [192, 60, 3],
      [next, 90, 4],
    ])
      expect(moved.subarray(from, from + length).every((one) => one === value)).toBe(true)
  })

  it('leaves files alone that need nothing', async () => {
    const model = modelOf([{ location: 'p.bin', offset: '64', length: '3' }])
    const { program, data } = await files(model, bytes(67, 5))
    await alignWeights(program, data)
    expect(Buffer.compare(await readFile(program), model)).toBe(0)
    expect((await readFile(data)).length).toBe(67)
  })
})
