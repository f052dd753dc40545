/** Furniture: catalogues, which are zip archives with a text in them, and Wavefront shapes. */
import { zipSync } from 'fflate'
import { parseMtl, parseObj } from '../../src/rooms/catalogue/obj.ts'
import { openCatalogueFile } from '../../src/rooms/catalogue/sh3f.ts'
import { buildShape } from '../../src/rooms/catalogue/shape.ts'
import { boxObj, catalogueBytes, PIECES } from '../../src/rooms/catalogue/testing.ts'
import { unzipChecked } from '../../src/support/zip.ts'
import { asFile, decoded, type Target, text } from './target.ts'

const FIELDS = ['id#1=a', 'name#1=Caf\\u00e9', 'model#1=/p/box.obj', 'width#1=90', 'depth#1 : 40', 'height#1=120']
const MATERIALS = 'newmtl skin\nKd 0.5 0.3 0.2\nNs 20\nd 0.2\nnewmtl print\nmap_Kd -s 1 1 1 print.png\n'

async function readWhole(path: string): Promise<void> {
  const file = await openCatalogueFile(path)
  for (const { model } of file.pieces.slice(0, 3)) await file.folderOf(model)
}

/** What parsers throw for their caller to name the file, and that is no mistake of ours. */
function refusing(isRefusal: (error: unknown) => boolean, parse: () => unknown): void {
  try {
    parse()
  } catch (error) {
    if (!isRefusal(error)) throw error
  }
}

export const SHAPE_TARGETS: Readonly<Record<string, Target>> = {
  catalogue: { seeds: async () => [await catalogueBytes(PIECES.slice(0, 3))], parse: asFile('x.sh3f', readWhole) },
  'catalogue-text': {
    seeds: async () => [text(['# a catalogue', ...FIELDS, 'modelRotation#1=1 0 0 0 1 0 0 0 1', ''].join('\n'))],
    parse: (bytes) => {
      const files = { 'PluginFurnitureCatalog.properties': bytes, 'p/box.obj': text(boxObj([1, 1, 1])) }
      return asFile('y.sh3f', readWhole)(zipSync(files, { level: 0 }))
    },
  },
  zip: {
    seeds: async () => [
      zipSync({ 'a/b.txt': text('one'), 'c.bin': new Uint8Array(3000) }),
      zipSync({ 'c.bin': new Uint8Array(300) }, { level: 0, comment: 'so' }),
    ],
    parse: (bytes) => {
      let total = 0
      const small = ({ originalSize }: { originalSize: number }) => {
        total += originalSize
        return total < 2 ** 26
      }
      refusing(
        (error) => error instanceof Error,
        () => unzipChecked(bytes, small),
      )
    },
  },
  obj: {
    seeds: async () => [
      text(boxObj([1, 2, 3])),
      text(MATERIALS),
      text('v 0 0 0\nv 1 0 0\nv 0 1 0\nvn 0 0 1\nf -3//1 2 \\\n 3\n'),
    ],
    parse: (bytes) =>
      refusing(
        (error) => error instanceof RangeError,
        () => {
          const materials = parseMtl(decoded(bytes))
          buildShape(parseObj(decoded(bytes)), { size: [1, 2, 3], rotation: null, materials, images: new Map() })
        },
      ),
  },
}
