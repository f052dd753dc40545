import { expect, it } from 'vitest'
import { z } from 'zod'
import { issueText } from './issues.ts'

const schema = z.strictObject({
  name: z.string(),
  batch: z.int().positive(),
  head: z.enum(['dar', 'dpt']),
  kind: z.literal('rooms'),
  stages: z.array(z.strictObject({ rate: z.number() })).min(1),
})

it.each([
  ['a field that is not there', { name: undefined }, 'name: is missing (a text)'],
  ['a text for a number', { batch: '8' }, 'batch: must be a number, not string'],
  ['an unknown choice', { head: 'x' }, 'head: must be one of dar, dpt'],
  ['another constant', { kind: 'x' }, 'kind: must be rooms'],
  ['a field too many', { bach: 8 }, 'it: has no field bach'],
  ['something deep', { stages: [{}] }, 'stages.0.rate: is missing (a number)'],
  ['an object for a list', { stages: {} }, 'stages: must be a list, not object'],
  ['nothing at all', null, 'it: must be an object, not null'],
])('says what is wrong with %s', (_, change, text) => {
  const right = { name: 'a', batch: 8, head: 'dar', kind: 'rooms', stages: [{ rate: 1 }] }
  const { error } = schema.safeParse(change && { ...right, ...change })
  expect(error?.issues.map((issue) => issueText(issue, 'it'))).toEqual([text])
})
