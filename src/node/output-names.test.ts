import { describe, expect, it } from 'vitest'
import { DarError } from '../support/errors.ts'
import { suffixesOf } from './output-kinds.ts'
import { planOutputs } from './output-names.ts'

const plain = suffixesOf(['color', 'depth', 'npy'], { steps: 0 })
const withSteps = suffixesOf(['color', 'depth', 'npy', 'steps'], { steps: 5 })

const stems = (paths: readonly (string | [string, string])[], suffixes: readonly string[] = plain) =>
  planOutputs(
    paths.map((path) => (typeof path === 'string' ? { path } : { path: path[0], below: path[1] })),
    'out',
    suffixes,
  ).map(({ stem }) => stem)

describe('planOutputs', () => {
  it('names results after their photos, whatever folder these lie in', () => {
    expect(stems(['a/kitchen.jpg', 'b/hall.old.png', 'bare'])).toEqual(['kitchen', 'hall.old', 'bare'])
  })

  it('keeps the path below a folder', () => {
    expect(
      stems([
        ['pics/a.jpg', 'pics'],
        ['pics/2024/05/a.jpg', 'pics/'],
        ['../far/b/c.png', '../far'],
      ]),
    ).toEqual(['a', '2024/05/a', 'b/c'])
  })

  it.each<[string, (string | [string, string])[], string[]]>([
    ['extensions', ['p/a.jpg', 'p/a.png', 'p/b.jpg'], ['a.jpg', 'a.png', 'b']],
    ['folders', ['x/photo.jpg', 'y/photo.jpg', 'z/other.jpg'], ['x/photo', 'y/photo', 'other']],
    ['folders farther up', ['x/in/photo.jpg', 'y/in/photo.jpg'], ['x/in/photo', 'y/in/photo']],
    ['folders and extensions', ['x/a.jpg', 'x/a.png', 'y/a.jpg'], ['x/a.jpg', 'x/a.png', 'y/a']],
    ['a number, when only case differs', ['p/Photo.jpg', 'p/photo.jpg'], ['Photo', 'photo-2']],
    [
      'two trees of one shape',
      [
        ['m/k/a.jpg', 'm'],
        ['n/k/a.jpg', 'n'],
      ],
      ['m/k/a', 'n/k/a'],
    ],
    ['a tree and a photo', [['m/a.jpg', 'm'], 'q/a.jpg'], ['m/a', 'q/a']],
  ])('tells results of one name apart by %s', (_, paths, names) => {
    expect(stems(paths)).toEqual(names)
  })

  it('tells a step of one and the result of another apart', () => {
    const names = stems(['p/photo.jpg', 'p/photo.step1.jpg'], withSteps)
    const files = names.flatMap((stem) => withSteps.map((suffix) => `${stem}.${suffix}`))
    expect(new Set(files).size).toBe(files.length)
  })

  it('never gives two photos one file, whatever they are called', () => {
    const parts = ['a', 'A', 'b', 'a.step1', 'a.jpg']
    const paths = parts.flatMap((folder) =>
      parts.flatMap((name) => [`${folder}/${name}.jpg`, `${folder}/${name}.png`, `${folder}/${folder}/${name}.jpg`]),
    )
    const files = stems(paths, withSteps).flatMap((stem) =>
      withSteps.map((suffix) => `${stem}.${suffix}`.toLowerCase()),
    )
    expect(new Set(files).size).toBe(files.length)
  })

  it('refuses to replace an input', () => {
    const plan = (folder: string) => planOutputs([{ path: 'pics/a.jpg' }, { path: 'pics/a.color.png' }], folder, plain)
    expect(() => plan('pics')).toThrow(DarError)
    expect(() => plan('pics')).toThrow(
      'the result of pics/a.jpg would replace the input pics/a.color.png; choose another --out folder',
    )
    expect(plan('out').length).toBe(2)
  })

  it('plans five thousand photos of one name without taking the square of them', () => {
    const paths = Array.from({ length: 5_000 }, (_, i) => `shots/${i}/photo.jpg`)
    expect(new Set(stems(paths)).size).toBe(paths.length)
  })
})
