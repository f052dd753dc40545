/**
 * Wavefront shapes: corners, image coordinates, normals, faces by material. Reads what catalogues of furniture use: `v`, `vt`,
 * `vn`, `f` with any number of corners and indices from either end, `usemtl`, `mtllib`; of materials `Kd`, `d`, `Ns`, `map_Kd`.
 * Everything else (curves, lines, smoothing groups, other maps) is ignored. Takes text and returns arrays; reads no
 * files.
 */

export interface ObjMaterial {
  /** Diffuse colour, sRGB, 0 to 1. */
  colour: [number, number, number]
  /** 1 is opaque. */
  opacity: number
  /** Phong exponent. */
  shininess: number
  /** Image file as the text names it, or null. */
  image: string | null
}

export interface Obj {
  /** x, y, z of every vertex in the file. */
  readonly positions: number[]
  readonly uvs: number[]
  readonly normals: number[]
  /**
   * Triangles of fan-triangulated faces: for each of three corners the index of position, uv and normal (−1: none).
   * Stride 9.
   */
  readonly triangles: number[]
  /** Index into `materialNames` of each triangle. */
  readonly material: number[]
  readonly materialNames: readonly string[]
  /** Material files named by the text. */
  readonly libraries: readonly string[]
}

/** Throws a RangeError with the line number for a face that refers to a missing vertex. */
export function parseObj(text: string): Obj {
  const positions: number[] = []
  const uvs: number[] = []
  const normals: number[] = []
  const triangles: number[] = []
  const material: number[] = []
  const materialNames: string[] = []
  const numbers = new Map<string, number>()
  const libraries: string[] = []
  let current = -1
  const use = (name: string) => {
    current = numbers.get(name) ?? materialNames.push(name) - 1
    numbers.set(name, current)
  }
  const face = (corners: readonly string[], line: number) => {
    const read = corners.map((corner) => {
      const [p, t = '', n = ''] = corner.split('/')
      return [indexOf(p, positions.length / 3), indexOf(t, uvs.length / 2), indexOf(n, normals.length / 3)]
    })
    if (read.some(([p]) => !(Number.isInteger(p) && p >= 0 && p < positions.length / 3)))
      throw new RangeError(`line ${line}: a face names a corner that is not there`)
    if (current < 0) use('')
    for (let k = 2; k < read.length; k++) {
      triangles.push(...read[0], ...read[k - 1], ...read[k])
      material.push(current)
    }
  }
  let number = 0
  for (const line of linesOf(text)) {
    number++
    const words = line.trim().split(/\s+/)
    const rest = line.trim().slice(words[0].length).trim()
    if (words[0] === 'v') positions.push(Number(words[1]), Number(words[2]), Number(words[3]))
    else if (words[0] === 'vt') uvs.push(Number(words[1]), Number(words[2] ?? 0))
    else if (words[0] === 'vn') normals.push(Number(words[1]), Number(words[2]), Number(words[3]))
    else if (words[0] === 'f') face(words.slice(1), number)
    else if (words[0] === 'usemtl') use(rest)
    else if (words[0] === 'mtllib') libraries.push(rest)
  }
  return { positions, uvs, normals, triangles, material, materialNames, libraries }
}

/** From Wavefront's numbering (from 1, or backwards from −1) to indices from 0; −1 for none. */
function indexOf(word: string, count: number): number {
  if (word === '') return -1
  const n = Number(word)
  return n > 0 ? n - 1 : count + n
}

/** A backslash at the end of a line continues it on the next. */
function linesOf(text: string): string[] {
  return text.replace(/\\\r?\n/g, ' ').split(/\r?\n/)
}

export function parseMtl(text: string): Map<string, ObjMaterial> {
  const found = new Map<string, ObjMaterial>()
  let current: ObjMaterial | null = null
  for (const line of linesOf(text)) {
    const [key, ...words] = line.trim().split(/\s+/)
    const rest = line.trim().slice(key.length).trim()
    if (key === 'newmtl') {
      current = plainMaterial()
      found.set(rest, current)
    } else if (current === null) continue
    else if (key === 'Kd') {
      const colour = words.slice(0, 3).map(Number)
      if (colour.length === 3 && colour.every((v) => v >= 0)) current.colour = [colour[0], colour[1], colour[2]]
    } else if (key === 'd' && Number.isFinite(Number(words.at(-1)))) current.opacity = Number(words.at(-1))
    else if (key === 'Ns' && Number.isFinite(Number(words[0]))) current.shininess = Number(words[0])
    // Options such as -s 1 1 1 come before the file's name.
    else if (key === 'map_Kd') current.image = rest.startsWith('-') ? (words.at(-1) ?? null) : rest
  }
  return found
}

/** Default of Wavefront materials. */
export function plainMaterial(): ObjMaterial {
  return { colour: [0.8, 0.8, 0.8], opacity: 1, shininess: 10, image: null }
}
