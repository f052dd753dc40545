/** For tests: a catalogue of a few boxes, written as Sweet Home 3D writes them. */
import { writeFile } from 'node:fs/promises'
import { strToU8, zipSync } from 'fflate'
import sharp from 'sharp'

/** A box from (−1, −1, −1) to (1, 1, 1) times `half`, of one material, with quads that carry image coordinates. */
export function boxObj(half: readonly [number, number, number], material = 'skin'): string {
  const corners = [0, 1, 2, 3, 4, 5, 6, 7].map((i) =>
    [0, 1, 2].map((k) => ((i >> k) & 1 ? half[k] : -half[k])).join(' '),
  )
  const faces = [
    '1/1 3/2 4/3 2/4',
    '5/1 6/2 8/3 7/4',
    '1/1 2/2 6/3 5/4',
    '3/1 7/2 8/3 4/4',
    '1/1 5/2 7/3 3/4',
    '2/1 4/2 8/3 6/4',
  ]
  return [
    '# a box',
    'mtllib box.mtl',
    ...corners.map((corner) => `v ${corner}`),
    'vt 0 0\nvt 1 0\nvt 1 1\nvt 0 1',
    `usemtl ${material}`,
    ...faces.map((face) => `f ${face}`),
    '',
  ].join('\n')
}

export interface TestPiece {
  readonly name: string
  readonly category: string
  /** Centimetres: width, depth, height. */
  readonly size: readonly [number, number, number]
  /** More properties, such as `elevation`. */
  readonly more?: Readonly<Record<string, string>>
  /** Default: a box. */
  readonly obj?: string
  readonly mtl?: string
}

const MTL =
  'newmtl skin\nKd 0.5 0.3 0.2\nNs 20\nnewmtl print\nKd 1 1 1\nmap_Kd print.png\nnewmtl pane\nKd 1 1 1\nd 0.2\n'

/** Enough to furnish a home with: a cupboard, a table, a chair, a cup, a shelf on the wall, a lamp, somebody, a desk. */
export const PIECES: readonly TestPiece[] = [
  { name: 'Cupboard', category: 'Living room', size: [90, 40, 120] },
  { name: 'Lower cabinet', category: 'Kitchen', size: [60, 60, 90], more: { dropOnTopElevation: '90' } },
  {
    name: 'Table',
    category: 'Living room',
    size: [120, 80, 75],
    more: { dropOnTopElevation: '75' },
    obj: boxObj([1, 1, 1], 'print'),
  },
  { name: 'Chair', category: 'Living room', size: [45, 50, 90], more: { dropOnTopElevation: '-1' } },
  { name: 'Caf\u00e9 cup', category: 'Kitchen', size: [9, 9, 8] },
  { name: 'Vase', category: 'Miscellaneous', size: [20, 20, 30] },
  { name: 'Wall shelf', category: 'Miscellaneous', size: [80, 25, 30], more: { elevation: '140' } },
  { name: 'Ceiling lamp', category: 'Lights', size: [40, 40, 50], more: { elevation: '190' } },
  { name: 'Female', category: 'Characters', size: [50, 40, 170] },
  { name: 'Desk', category: 'Office', size: [140, 70, 73], more: { dropOnTopElevation: '73' } },
]

export async function catalogueBytes(pieces: readonly TestPiece[] = PIECES): Promise<Uint8Array> {
  const print = await sharp(new Uint8Array([255, 0, 0, 0, 0, 255]), { raw: { width: 2, height: 1, channels: 3 } })
    .png()
    .toBuffer()
  const files: Record<string, Uint8Array> = {}
  const lines = ['# PluginFurnitureCatalog.properties', 'id=test', 'name=Test']
  pieces.forEach(({ name, category, size, more = {}, obj = boxObj([1, 2, 3]), mtl = MTL }, i) => {
    const folder = `test/piece${i}`
    files[`${folder}/box.obj`] = strToU8(obj)
    files[`${folder}/box.mtl`] = strToU8(mtl)
    files[`${folder}/print.png`] = print
    const fields = { id: `Test#${i}`, name, category, model: `/${folder}/box.obj`, ...more }
    const sizes = { width: size[0], depth: size[1], height: size[2], doorOrWindow: 'false' }
    for (const [key, value] of Object.entries({ ...fields, ...sizes })) lines.push(`${key}#${i + 1}=${value}`)
  })
  files['PluginFurnitureCatalog.properties'] = strToU8(lines.join('\n'), true)
  return zipSync(files, { mtime: new Date(2020, 0, 1) })
}

export async function writeCatalogue(path: string, pieces?: readonly TestPiece[]): Promise<void> {
  await writeFile(path, await catalogueBytes(pieces))
}
