import { expect, it } from 'vitest'
import { refuseTooLarge } from './stages.ts'
import { tinyRecipe } from './testing.ts'

it('refuses a batch that no array holds, by its largest shape and by what one process computes at once', () => {
  const stage = { height: 32, width: 64, updates: 6, also: [{ height: 640, width: 640 }] }
  const recipe = (batch: number, accumulate = 1) => tinyRecipe({ stages: [{ ...stage, batch, accumulate }] })
  expect(() => refuseTooLarge(recipe(1747), 1)).not.toThrow()
  expect(() => refuseTooLarge(recipe(1748), 1)).toThrow(
    'recipe tiny: stage 1 computes 1748 images of 640x640 at once, and one array holds 1747; make the batch smaller',
  )
  expect(() => refuseTooLarge(recipe(4000, 2), 2)).not.toThrow()
  expect(() => refuseTooLarge(recipe(1e9), 1)).toThrow('1000000000 images of 64x32')
})
