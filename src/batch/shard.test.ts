import { describe, expect, it } from 'vitest'
import { isInShard, parseShard } from './shard.ts'

const paths = Array.from({ length: 1600 }, (_, i) => `photos/${i % 50}/image ${i}.jpg`)

describe('shards', () => {
  it('have each photo in one of them, in about equal numbers', () => {
    const counts = Array.from(
      { length: 8 },
      (_, index) => paths.filter((path) => isInShard(path, { index, count: 8 })).length,
    )
    expect(counts.reduce((sum, count) => sum + count)).toBe(paths.length)
    // Binomial: 200 ± 13. Fixed paths, so this is no chance.
    for (const count of counts) expect(Math.abs(count - 200)).toBeLessThan(60)
  })

  it('are the same on every machine: these were computed with sha256sum', () => {
    // printf a.jpg | sha256sum → 509b0d4641a7…: the first 48 bits as a number
    expect([0, 1, 2].filter((index) => isInShard('a.jpg', { index, count: 3 }))).toEqual([1])
  })

  it('are read from i/n, Kubernetes and Slurm', () => {
    expect(parseShard('3/8', {})).toEqual({ index: 3, count: 8 })
    expect(parseShard('auto/8', { JOB_COMPLETION_INDEX: '0' })).toEqual({ index: 0, count: 8 })
    const slurm = { SLURM_ARRAY_TASK_ID: '5', SLURM_ARRAY_TASK_MIN: '0', SLURM_ARRAY_TASK_COUNT: '6' }
    expect(parseShard('auto', slurm)).toEqual({ index: 5, count: 6 })
    const steps = { SLURM_ARRAY_TASK_ID: '30', SLURM_ARRAY_TASK_MIN: '10', SLURM_ARRAY_TASK_STEP: '10' }
    expect(parseShard('auto', { ...steps, SLURM_ARRAY_TASK_COUNT: '4' })).toEqual({ index: 2, count: 4 })
  })

  it.each([
    ['8/8', {}, /0 to n - 1/],
    ['0/0', {}, /0 to n - 1/],
    ['3', {}, /give i\/n/],
    ['-1/8', {}, /give i\/n/],
    ['auto', {}, /neither JOB_COMPLETION_INDEX/],
    ['auto', { JOB_COMPLETION_INDEX: '3' }, /auto\/N/],
    ['auto', { SLURM_ARRAY_TASK_ID: 'x' }, /no number/],
    ['auto/4', { JOB_COMPLETION_INDEX: '4' }, /shard 4 of 4/],
  ])('refuse %s with %j', (text, environment, message) => {
    expect(() => parseShard(text, environment)).toThrow(message)
  })
})
