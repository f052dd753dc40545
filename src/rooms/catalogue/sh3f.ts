/**
 * Sweet Home 3D's furniture catalogues: `.sh3f`, a zip with PluginFurnitureCatalog.properties (Java properties in Latin-1:
 * `name#12=Chair`) and the shapes, materials and images that it names. Lengths in it are centimetres; here they are metres.
 * The format: http://www.sweethome3d.com/userGuide.jsp#importFurniture and the comments of the files themselves.
 */
import { createHash } from 'node:crypto'
import type { Unzipped } from 'fflate'
import { DarError, messageOf } from '../../support/errors.ts'
import { readRegularFile } from '../../support/read-file.ts'
import { unzipChecked } from '../../support/zip.ts'

/** A piece of furniture as its catalogue describes it. Metres. */
export interface Piece {
  /** Number of the piece within its catalogue file. Unique and stable. */
  readonly id: string
  readonly name: string
  readonly category: string
  readonly width: number
  readonly depth: number
  readonly height: number
  /** Height of its foot above the floor; more than 0 for things that hang. */
  readonly elevation: number
  /** Height above its foot of a surface to put things on; null where it has none. */
  readonly top: number | null
  readonly opening: boolean
  /** Row-major 3×3, applied to the shape before it is measured; null for none. */
  readonly rotation: readonly number[] | null
  /** Entry of the zip. */
  readonly model: string
  /** Bytes of the model's text. */
  readonly modelBytes: number
}

export interface CatalogueFile {
  readonly path: string
  /** SHA-256 of the whole file, hex. */
  readonly digest: string
  /** Those that have a Wavefront shape in the file, in the order of their numbers. */
  readonly pieces: readonly Piece[]
  /** Entries of the zip that lie in the same folder as `entry`, by name. */
  folderOf(entry: string): Promise<ReadonlyMap<string, Uint8Array>>
}

/** Of the entries that one piece needs. */
const MAX_UNPACKED = 2 ** 28

const PROPERTIES = 'PluginFurnitureCatalog.properties'

/** Throws a DarError that names the file when it is no catalogue, or is damaged. */
export async function openCatalogueFile(path: string): Promise<CatalogueFile> {
  const bytes = await readBytes(path)
  const sizes = new Map<string, number>()
  const found = unzip(path, bytes, (name, size) => {
    sizes.set(name, size)
    return name === PROPERTIES
  })
  const text = found[PROPERTIES]
  if (text === undefined)
    throw new DarError(`${path} has no ${PROPERTIES}: it is not a furniture catalogue; take it out of the folder`)
  const pieces = parsePieces(Buffer.from(text).toString('latin1'), sizes)
  if (pieces.length === 0)
    throw new DarError(`${path} describes no piece of furniture with a Wavefront shape; take it out of the folder`)
  return {
    path,
    digest: createHash('sha256').update(bytes).digest('hex'),
    pieces,
    // The file is read again for every shape. The system caches its bytes, so this module does not.
    async folderOf(entry) {
      const folder = entry.slice(0, entry.lastIndexOf('/') + 1)
      const entries = unzip(path, await readBytes(path), (name) => name.startsWith(folder) && !name.endsWith('/'))
      return new Map(Object.entries(entries))
    },
  }
}

async function readBytes(path: string): Promise<Uint8Array> {
  return readRegularFile(path, { remedy: 'give a folder of .sh3f files that you may read' })
}

function unzip(path: string, bytes: Uint8Array, wanted: (name: string, size: number) => boolean): Unzipped {
  let total = 0
  try {
    return unzipChecked(bytes, ({ name, originalSize }) => {
      if (!wanted(name, originalSize)) return false
      total += originalSize
      if (total > MAX_UNPACKED) throw new Error(`${name} and what lies beside it are too large`)
      return true
    })
  } catch (error) {
    throw new DarError(`${path} is damaged (${messageOf(error)}); download or install the catalogue again`)
  }
}

/** `sizes`: bytes of every entry of the zip. */
function parsePieces(text: string, sizes: ReadonlyMap<string, number>): Piece[] {
  const numbered = new Map<number, Map<string, string>>()
  for (const line of text.split(/\r?\n/)) {
    const match = /^(\w+)#(\d+)\s*[=:]/.exec(line.trimStart())
    if (match === null) continue
    const [assigned, key, number] = match
    const value = line.trimStart().slice(assigned.length).trim()
    const fields = numbered.get(Number(number)) ?? new Map<string, string>()
    numbered.set(Number(number), fields.set(key, value))
  }
  return [...numbered].sort(([a], [b]) => a - b).flatMap(([number, fields]) => pieceOf(number, fields, sizes) ?? [])
}

/** Null for a piece without a size or a Wavefront shape: catalogues list some whose shapes are in other formats. */
function pieceOf(number: number, fields: ReadonlyMap<string, string>, sizes: ReadonlyMap<string, number>) {
  const metres = (key: string): number | null => {
    const value = Number(fields.get(key) ?? Number.NaN)
    return Number.isFinite(value) ? value / 100 : null
  }
  const [width, depth, height] = [metres('width'), metres('depth'), metres('height')]
  const model = (fields.get('model') ?? '').replace(/^\//, '')
  const modelBytes = sizes.get(model)
  if (!width || !depth || !height || modelBytes === undefined || !/\.obj$/i.test(model)) return null
  const rotation = fields.get('modelRotation')?.split(/\s+/).map(Number)
  const top = metres('dropOnTopElevation')
  return {
    id: fields.get('id') ?? String(number),
    name: unescaped(fields.get('name') ?? '').toLowerCase(),
    category: unescaped(fields.get('category') ?? ''),
    width,
    depth,
    height,
    elevation: metres('elevation') ?? 0,
    top: top === null ? height : top < 0 ? null : top,
    opening: fields.get('doorOrWindow') === 'true',
    rotation: rotation?.length === 9 && rotation.every(Number.isFinite) ? rotation : null,
    model,
    modelBytes,
  }
}

function unescaped(text: string): string {
  return text.replace(/\\u([0-9a-fA-F]{4})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)))
}
