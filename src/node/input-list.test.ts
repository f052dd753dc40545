import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { listInputs } from './input-list.ts'

let root = ''
beforeAll(async () => {
  root = await temporaryFolder()
  const names = [
    'pics/b.PNG',
    'pics/a.jpg',
    'pics/notes.txt',
    'pics/.hidden.jpg',
    'pics/.cache/c.jpg',
    'pics/2024/05/d.jpeg',
    'pics/2024/e.webp',
    'pics/[x] 1.jpg',
    'empty/notes.txt',
    'photo without an ending',
  ]
  for (const name of names) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), '')
  }
})

const at = (...names: string[]) => names.map((name) => join(root, name))
const IN_PICS = ['pics/2024/05/d.jpeg', 'pics/2024/e.webp', 'pics/[x] 1.jpg', 'pics/a.jpg', 'pics/b.PNG']

async function list(args: readonly string[], { out = join(root, 'out'), stdin = '' } = {}) {
  const { files, problems, results } = await listInputs(args, { out, readStdin: async () => stdin })
  return { paths: files.map(({ path }) => path), files, problems: problems.map(({ message }) => message), results }
}

describe('listInputs', () => {
  it('takes files as they are named, whatever they are called, there or not', async () => {
    const named = at('photo without an ending', 'absent.jpg', 'pics/[x] 1.jpg')
    expect(await list(named)).toMatchObject({ paths: named, problems: [], results: 0 })
  })

  it('takes the photos of a folder with all below it, in order, without hidden ones', async () => {
    const { paths, files, problems } = await list(at('pics'))
    expect(paths).toEqual(at(...IN_PICS))
    expect(new Set(files.map(({ below }) => below))).toEqual(new Set(at('pics')))
    expect(problems).toEqual([])
  })

  it.each([
    ['pics/*.jpg', ['pics/[x] 1.jpg', 'pics/a.jpg'], 'pics'],
    ['pics/**/*.{jpeg,webp}', ['pics/2024/05/d.jpeg', 'pics/2024/e.webp'], 'pics'],
    ['*/2024/*', ['pics/2024/e.webp'], '.'],
    ['pics/2024/0[1-9]/d.*', ['pics/2024/05/d.jpeg'], 'pics/2024'],
  ])('takes what fits the pattern %s, below the part that is no pattern', async (pattern, names, below) => {
    const { paths, files, problems } = await list(at(pattern))
    expect(problems).toEqual([])
    expect(paths).toEqual(at(...names))
    expect(files[0].below).toBe(join(root, below))
  })

  it('reads lists: lines or NUL, from standard input or a file; a bracket in them is a bracket', async () => {
    const names = at('pics/a.jpg', 'pics/[x] 1.jpg', 'pics/b.PNG')
    for (const stdin of [`${names.join('\n')}\n`, `${names.join('\r\n')}\r\n\r\n`, `${names.join('\0')}\0`]) {
      expect((await list(['-'], { stdin })).paths).toEqual(names)
      expect((await list(['@-'], { stdin })).paths).toEqual(names)
    }
    await writeFile(join(root, 'list.txt'), names.join('\n'))
    expect((await list([`@${join(root, 'list.txt')}`])).paths).toEqual(names)
    expect((await list(['-'], { stdin: join(root, 'pics/2024') })).paths.length).toBe(2)
  })

  it('takes a photo that comes up twice once', async () => {
    const { paths } = await list([...at('pics/a.jpg', 'pics', 'pics/*.jpg'), join(root, 'pics/../pics/a.jpg')])
    expect(paths).toEqual(at('pics/a.jpg', ...IN_PICS.filter((name) => name !== 'pics/a.jpg')))
  })

  it('says in a line what is not there, and goes on', async () => {
    const { paths, problems } = await list([...at('empty', 'pics/*.gif'), '-', ...at('pics/a.jpg')])
    expect(paths).toEqual(at('pics/a.jpg'))
    expect(problems).toEqual([
      `there is no JPEG, PNG or WebP file in ${join(root, 'empty')}; check the path`,
      `no photo fits the pattern ${join(root, 'pics/*.gif')}; check it`,
      'standard input names no photo',
    ])
    await expect(list(['-', '@-'])).rejects.toThrow('standard input is read twice; give - once')
    await expect(list(['@absent.txt'])).rejects.toThrow(/absent\.txt was not found/)
  })

  it('leaves results of an earlier run out of a folder', async () => {
    const place = join(root, 'again')
    for (const name of ['a.jpg', 'a.color.png', 'a.depth.png', 'a.step1.color.png', 'frame.color.png', 'out/b.jpg']) {
      await mkdir(dirname(join(place, name)), { recursive: true })
      await writeFile(join(place, name), '')
    }
    const below = await list([place], { out: join(place, 'out') })
    // A photo may be called frame.color.png: no photo beside it is called frame.
    expect(below.paths).toEqual(['a.jpg', 'frame.color.png'].map((name) => join(place, name)))
    expect(below.results).toBe(4)
    const beside = await list([place], { out: place })
    expect(beside.paths).toEqual(['a.jpg', 'frame.color.png', 'out/b.jpg'].map((name) => join(place, name)))
  })

  it.skipIf(process.platform === 'win32')('follows links, and not for ever', async () => {
    const place = join(root, 'links')
    await mkdir(place)
    await symlink(join(root, 'pics/a.jpg'), join(place, 'linked.jpg'))
    await symlink(join(root, 'pics/2024'), join(place, 'year'))
    await symlink(place, join(place, 'round'))
    const { paths } = await list([place])
    expect(paths).toEqual(expect.arrayContaining([join(place, 'linked.jpg'), join(place, 'year/e.webp')]))
    expect(paths.length).toBeLessThan(10)
  })
})
