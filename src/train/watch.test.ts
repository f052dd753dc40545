import { describe, expect, it } from 'vitest'
import { DarError } from '../support/errors.ts'
import { Watch } from './watch.ts'

const seen = { step: 3, names: ['a/1', 'a/2'], images: 2, hasDepth: true, norm: 1 }

describe('the watch over a run', () => {
  it('warns at the first update without depth, and once', () => {
    const watch = new Watch(null)
    expect(watch.see(seen)).toBeNull()
    expect(watch.see({ ...seen, hasDepth: false })).toContain('update 3: no frame of it has any depth (a/1, a/2)')
    for (let i = 0; i < 100; i++) expect(watch.see({ ...seen, hasDepth: false, norm: 0 })).toBeNull()
    watch.end()
  })

  it('ends a run when a whole epoch in a row had none', () => {
    const watch = new Watch(5)
    watch.see({ ...seen, hasDepth: false })
    watch.see({ ...seen, hasDepth: false })
    watch.see(seen)
    watch.see({ ...seen, hasDepth: false })
    watch.see({ ...seen, hasDepth: false })
    expect(() => watch.see({ ...seen, hasDepth: false })).toThrow(DarError)
  })

  it('does not let a run shorter than an epoch pass for done', () => {
    const watch = new Watch(100)
    watch.end()
    watch.see({ ...seen, hasDepth: false })
    expect(() => watch.end()).toThrow('none of the 1 updates saw any depth')
  })

  it('says that a network is dead after twenty gradients of exactly 0 from frames with depth', () => {
    const watch = new Watch(null)
    const dead = { ...seen, norm: 0 }
    for (let i = 0; i < 19; i++) expect(watch.see(dead)).toBeNull()
    watch.see(seen)
    for (let i = 0; i < 19; i++) expect(watch.see(dead)).toBeNull()
    expect(watch.see(dead)).toContain('nothing is learnt any more')
    expect(watch.see(dead)).toBeNull()
  })
})
