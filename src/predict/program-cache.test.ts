import { describe, expect, it } from 'vitest'
import { LeasedCache } from './program-cache.ts'

class Thing {
  disposed = 0
  readonly name: string

  constructor(name: string) {
    this.name = name
  }

  async dispose(): Promise<void> {
    this.disposed++
  }
}

function setUp(capacity: number) {
  const made: Thing[] = []
  const cache = new LeasedCache<Thing>(capacity)
  const make = (name: string) => async () => {
    const thing = new Thing(name)
    made.push(thing)
    return thing
  }
  const use = <T>(name: string, body: (thing: Thing) => Promise<T>) => cache.use(name, make(name), body)
  const touch = (name: string) => use(name, async (thing) => thing)
  const alive = () => made.filter(({ disposed }) => disposed === 0).map(({ name }) => name)
  return { cache, made, use, touch, alive }
}

describe('LeasedCache', () => {
  it('makes an entry once, also for uses at the same time', async () => {
    const { made, touch } = setUp(2)
    const [first, second] = await Promise.all([touch('a'), touch('a')])
    expect(first).toBe(second)
    expect(await touch('a')).toBe(first)
    expect(made.length).toBe(1)
  })

  it('disposes the least recently used when it is full', async () => {
    const { touch, alive } = setUp(2)
    for (const name of ['a', 'b', 'a', 'c']) await touch(name)
    expect(alive()).toEqual(['a', 'c'])
    await touch('b')
    expect(alive()).toEqual(['c', 'b'])
  })

  it('disposes one that was pushed out while in use after its use, and once', async () => {
    const { use, touch, made, alive } = setUp(1)
    let finish = () => {}
    const held = new Promise<void>((resolve) => {
      finish = resolve
    })
    const long = use('a', async (thing) => {
      await held
      return thing.disposed
    })
    await touch('b')
    expect(alive()).toEqual(['a', 'b'])
    finish()
    expect(await long).toBe(0)
    expect(made.map(({ disposed }) => disposed)).toEqual([1, 0])
  })

  it('passes on the error of one that could not be made, and tries again the next time', async () => {
    const { cache, touch } = setUp(1)
    const failing = async () => {
      throw new Error('no memory')
    }
    await expect(cache.use('a', failing, async () => 1)).rejects.toThrow('no memory')
    expect((await touch('a')).name).toBe('a')
  })

  it('disposes everything when it is cleared', async () => {
    const { cache, touch, alive } = setUp(3)
    for (const name of ['a', 'b']) await touch(name)
    await cache.clear()
    expect(alive()).toEqual([])
  })
})
