import { describe, expect, it } from 'vitest'
import { Owner } from './owner.ts'

const recorder = () => {
  const log: string[] = []
  const resource = (name: string, { fails = false } = {}) => ({
    name,
    async dispose() {
      log.push(name)
      if (fails) throw new Error(`${name} is stuck`)
    },
  })
  return { log, resource }
}

describe('Owner', () => {
  it('disposes what it holds once, the last first', async () => {
    const { log, resource } = recorder()
    const owner = new Owner()
    expect(owner.hold(resource('a')).name).toBe('a')
    owner.hold(resource('b'))
    await owner.dispose()
    await owner.dispose()
    expect(log).toEqual(['b', 'a'])
  })

  it('disposes the rest when one fails, and then tells', async () => {
    const { log, resource } = recorder()
    const owner = new Owner()
    owner.hold(resource('a'))
    owner.hold(resource('b', { fails: true }))
    owner.hold(resource('c'))
    await expect(owner.dispose()).rejects.toThrow('b is stuck')
    expect(log).toEqual(['c', 'b', 'a'])
  })
})
