import ort from 'onnxruntime-node'
import { expect, it } from 'vitest'
import { add, compile, Graph, mul } from '../graph/index.ts'
import { runInPlace, withoutCopies } from './no-copies.ts'

const graph = new Graph()
const x = graph.input('x', [3])
const { model } = compile({ twice: mul(x, 2), more: add(x, 1) })
const tensor = (...values: number[]) => new ort.Tensor('float32', Float32Array.from(values), [values.length])
const open = () => ort.InferenceSession.create(withoutCopies(model))

it('writes every output into the tensor that is given for it, a stretch of an array too', async () => {
  const session = await open()
  const whole = Float32Array.of(9, 9, 9, 9, 9)
  const outputs = { twice: new ort.Tensor('float32', whole.subarray(1, 4), [3]), more: tensor(0, 0, 0) }
  expect(await runInPlace(session, { x: tensor(1, 2, 3) }, outputs)).toBe(outputs)
  expect([...whole]).toEqual([9, 2, 4, 6, 9])
  expect([...(outputs.more.data as Float32Array)]).toEqual([2, 3, 4])
  await session.release()
})

it('says what goes wrong in a run', async () => {
  const session = await open()
  const outputs = { twice: tensor(0, 0, 0) }
  await expect(runInPlace(session, { x: tensor(1, 2) }, outputs)).rejects.toThrow(/invalid dimensions/i)
  expect([...(outputs.twice.data as Float32Array)]).toEqual([0, 0, 0])
  await session.release()
})

/** If this fails, the binding hands sequences over, and copies outputs again: look for another way. */
it('rests on a binding that stops at an output that is no tensor', async () => {
  const session = await open()
  const [first, ...others] = session.outputNames
  expect(others).toEqual(['twice', 'more'])
  await expect(session.run({ x: tensor(1, 2, 3) }, [first, 'twice'])).rejects.toThrow('Non tensor type')
  await session.release()
})
