import { expect, it } from 'vitest'
import { Graph, nodesPerRun } from '../graph/index.ts'
import { buildDar } from './dar.ts'
import { partOfNode, partOfParameter, stepOfNode } from './parts.ts'
import { PRESETS } from './presets.ts'

it('reads part and step from names', () => {
  expect(partOfParameter('decoder.blocks.0.mlp.fc1.weight')).toBe('decoder')
  expect(partOfNode({ name: 'step3/decoder.blocks.0.mlp.fc1/gemm_241' })).toBe('decoder')
  expect(partOfNode({ name: 'neck.refine1/matmul_3' })).toBe('neck')
  expect(partOfNode({ name: 'step3/add_7' })).toBeNull()
  expect(partOfNode({ name: 'gemm_0' })).toBeNull()
  expect(stepOfNode({ name: 'step12/bins.gru/conv_9' })).toBe(12)
  expect(stepOfNode({ name: 'encoder.blocks.0/gemm_1' })).toBeNull()
})

it.each(['dar-lite', 'dar-nano'])('every product of %s belongs to a part, and the steps’ work to its step', (name) => {
  const config = PRESETS[name]
  const graph = new Graph()
  const model = buildDar(graph.input('image', [1, 3, 224, 224]), config)
  const nodes = nodesPerRun([model.imageMap]).filter(({ multiplyAdds }) => multiplyAdds)
  expect(nodes.filter((node) => partOfNode(node) === null)).toEqual([])
  const parts = new Set([...graph.parameters.keys()].map(partOfParameter))
  expect(new Set(nodes.map(partOfNode))).toEqual(parts)
  const stepOf = (part: string) => new Set(nodes.filter((node) => partOfNode(node) === part).map(stepOfNode))
  const outside = [...parts].filter((part) => part !== 'decoder' && part !== 'bins')
  for (const part of outside) expect([part, ...stepOf(part)]).toEqual([part, null])
  expect([...stepOf('decoder')]).toEqual([null, 1, 2, 3, 4, 5]) // null: keys and values of the memory
})
