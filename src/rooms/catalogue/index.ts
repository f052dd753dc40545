/**
 * A folder of furniture catalogues: lists the pieces, and reads their shapes when a scene needs them.
 *
 * A shape is parsed once per folder. The result is kept in FOLDER/.dar-shapes, and the most recently used shapes stay
 * in memory. Parsing eight hundred shapes takes about a minute, so worker threads share the results.
 */
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { decodeRgba } from '../../node/decode-rgba.ts'
import { DarError, messageOf } from '../../support/errors.ts'
import { buildImage, type Image } from '../solids/image.ts'
import type { Mesh } from '../solids/mesh.ts'
import { type ObjMaterial, parseMtl, parseObj } from './obj.ts'
import { type Roles, sortByRole } from './roles.ts'
import { type CatalogueFile, openCatalogueFile, type Piece } from './sh3f.ts'
import { buildShape } from './shape.ts'
import { readMesh, writeMesh } from './shape-cache.ts'

export type { Piece } from './sh3f.ts'

export interface Furniture {
  /** Of all catalogues of the folder, by file name, in the order of the files. */
  readonly pieces: readonly Piece[]
  readonly roles: Roles
  /** SHA-256 of the files' contents and of `HOMES_VERSION`, hex. Equal hashes give equal pictures. */
  readonly digest: string
  /**
   * The shape of one of `pieces`; null where its file has no triangle. Throws a DarError that names the file and entry
   * when the file is damaged.
   */
  shapeOf(piece: Piece): Promise<Mesh | null>
}

export interface FurnitureOptions {
  /** Memory for shapes, so that homes with the same pieces need not read them again. Default `FURNITURE_MEGABYTES`. */
  readonly keepMegabytes?: number
}

/** Half of Debian's catalogues. With a quarter of this a furnished home takes a quarter longer (0.33 s instead of 0.26). */
export const FURNITURE_MEGABYTES = 384

/** Shapes with more text than this are left out: one of them takes longer than all others together. */
const MAX_MODEL_BYTES = 4e6

/** Increased when the way of building meshes changes. */
const FORMAT = 1

/**
 * Increased when homes change, so that neither a set of rooms nor a training run goes on with homes of two kinds. It is part of
 * `Furniture.digest`.
 */
export const HOMES_VERSION = 5

/**
 * @throws DarError when the folder holds no `.sh3f` file, or one of them is damaged.
 */
export async function openFurniture(
  folder: string,
  { keepMegabytes = FURNITURE_MEGABYTES }: FurnitureOptions = {},
): Promise<Furniture> {
  const files = await Promise.all((await catalogueFiles(folder)).map((name) => openCatalogueFile(join(folder, name))))
  const homes = new Map<Piece, CatalogueFile>()
  for (const file of files)
    for (const piece of file.pieces) if (piece.modelBytes <= MAX_MODEL_BYTES) homes.set(piece, file)
  const cache = new MeshMemory(keepMegabytes * 2 ** 20)
  // One at a time: each reads its whole catalogue (tens of megabytes), and a home may need fifty shapes.
  let parsing: Promise<unknown> = Promise.resolve()
  const parseInTurn = (file: CatalogueFile, piece: Piece): Promise<Mesh | null> => {
    const made = parsing.then(() => parseShape(file, piece))
    parsing = made.catch(() => {})
    return made
  }
  const load = async (piece: Piece): Promise<Mesh | null> => {
    const file = homes.get(piece)
    if (file === undefined) throw new Error(`internal error: ${piece.id} is of another catalogue`)
    const name = `${piece.model.replace(/[^\w.-]/g, '_')}-${sizeKey(piece)}.shape`
    const path = join(folder, '.dar-shapes', `${file.digest.slice(0, 16)}-${FORMAT}`, name)
    const known = await readMesh(path)
    if (known !== null) return known.triangles > 0 ? known : null
    const made = await parseInTurn(file, piece)
    await writeMesh(path, made ?? EMPTY)
    return made
  }
  const pieces = [...homes.keys()]
  const digest = createHash('sha256').update(`homes ${HOMES_VERSION}`)
  for (const file of files) digest.update(file.digest)
  return {
    pieces,
    roles: sortByRole(pieces),
    digest: digest.digest('hex'),
    shapeOf: (piece) => cache.get(piece, load),
  }
}

/** The cache entry of a shape without triangles. */
const EMPTY: Mesh = {
  triangles: 0,
  corners: new Float32Array(),
  normals: new Int8Array(),
  uvs: new Float32Array(),
  material: new Uint8Array(),
  materials: [],
  nodeBounds: new Float32Array(),
  nodeFirst: new Int32Array(),
  nodeCount: new Int32Array(),
}

/** Normals depend on the proportions, so a model used at two sizes has two meshes. */
function sizeKey({ width, depth, height }: Piece): string {
  return [width, depth, height].map((v) => Math.round(1000 * v)).join('x')
}

async function catalogueFiles(folder: string): Promise<string[]> {
  let names: string[]
  try {
    names = await readdir(folder)
  } catch (error) {
    throw new DarError(`cannot list ${folder}: ${messageOf(error)}; give a folder of .sh3f files`, { kind: 'missing' })
  }
  const found = names.filter((name) => /\.sh3f$/i.test(name)).sort()
  if (found.length === 0)
    throw new DarError(
      `${folder} holds no .sh3f file; give a folder of Sweet Home 3D furniture catalogues, such as Debian's package sweethome3d-furniture has`,
    )
  return found
}

async function parseShape(file: CatalogueFile, piece: Piece): Promise<Mesh | null> {
  const entries = await file.folderOf(piece.model)
  const text = entries.get(piece.model)
  const name = `${file.path}, ${piece.model}`
  if (text === undefined) throw new DarError(`${name}: the entry is gone; install the catalogue again`)
  try {
    const obj = parseObj(latin1(text))
    const materials = new Map<string, ObjMaterial>()
    for (const library of obj.libraries) {
      const found = entries.get(beside(piece.model, library))
      if (found !== undefined) for (const [key, value] of parseMtl(latin1(found))) materials.set(key, value)
    }
    const images = await readImages(entries, piece.model, materials.values())
    const { width, depth, height, rotation } = piece
    return buildShape(obj, { size: [width, depth, height], rotation, materials, images })
  } catch (error) {
    if (error instanceof RangeError)
      throw new DarError(`${name} is damaged (${error.message}); install the catalogue again`)
    throw error
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

/**
 * Finds the entry that a text in `model`'s folder calls `name`. Some texts use Windows separators, some the path of the
 * author's machine.
 */
function beside(model: string, name: string): string {
  return posix.join(posix.dirname(model), posix.basename(name.replaceAll('\\', '/')))
}

/**
 * A material whose image is missing or unreadable is plain. A tenth of the images in Debian's catalogues are missing.
 */
async function readImages(
  entries: ReadonlyMap<string, Uint8Array>,
  model: string,
  materials: Iterable<ObjMaterial>,
): Promise<Map<string, Image>> {
  const images = new Map<string, Image>()
  for (const { image } of materials) {
    const bytes = image === null ? undefined : entries.get(beside(model, image))
    if (image === null || bytes === undefined || images.has(image)) continue
    try {
      const { width, height, data } = await decodeRgba(bytes, { name: `${model}, ${image}` })
      images.set(image, buildImage(width, height, data))
    } catch (error) {
      if (!(error instanceof DarError)) throw error
    }
  }
  return images
}

/** Keeps the most recently used meshes, up to a number of bytes. */
class MeshMemory {
  private readonly kept = new Map<Piece, { mesh: Promise<Mesh | null>; bytes: number }>()
  private bytes = 0
  private readonly most: number

  constructor(most: number) {
    this.most = most
  }

  get(piece: Piece, load: (piece: Piece) => Promise<Mesh | null>): Promise<Mesh | null> {
    const known = this.kept.get(piece)
    if (known !== undefined) {
      // Deleting and setting again moves an entry to the end, which is evicted last.
      this.kept.delete(piece)
      this.kept.set(piece, known)
      return known.mesh
    }
    const entry = { mesh: load(piece), bytes: 0 }
    this.kept.set(piece, entry)
    entry.mesh.then(
      (mesh) => {
        entry.bytes = mesh === null ? 0 : bytesOf(mesh)
        this.bytes += entry.bytes
        this.shrink()
      },
      () => this.kept.delete(piece),
    )
    return entry.mesh
  }

  private shrink(): void {
    for (const [piece, { bytes }] of this.kept) {
      if (this.bytes <= this.most) return
      if (bytes === 0) continue
      this.kept.delete(piece)
      this.bytes -= bytes
    }
  }
}

function bytesOf(mesh: Mesh): number {
  const images = mesh.materials.flatMap(({ image }) => image?.levels.map((level) => level.byteLength) ?? [])
  const arrays = [mesh.corners, mesh.normals, mesh.uvs, mesh.material, mesh.nodeBounds, mesh.nodeFirst, mesh.nodeCount]
  return [...images, ...arrays.map((a) => a.byteLength)].reduce((sum, n) => sum + n, 0)
}
