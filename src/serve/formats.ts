/**
 * The forms in which a depth map is answered, and which of them a request asks for. A query `format=` wins; else the header
 * `Accept` chooses by its weights, then by its order. `image/png` is 16-bit millimetres, and `image/png;depth=8` a picture.
 */
import { Problem } from './problem.ts'

interface Format {
  readonly type: string
  /** The parameter of the media type that means this one and no other of its type. */
  readonly parameter?: string
  readonly about: string
  /** Not of a model of relative depth, which has no metres. */
  readonly metricOnly?: true
}

/** In the order of preference where a request accepts several alike. */
export const FORMATS = {
  png16: {
    type: 'image/png',
    parameter: 'depth=16',
    about: '16-bit grey PNG: millimetres along the viewing axis, 0 = none',
    metricOnly: true,
  },
  npy: { type: 'application/x-npy', about: 'NumPy array, float32 metres, height × width' },
  color: {
    type: 'image/png',
    parameter: 'depth=8',
    about: 'a picture with a legend in metres, one fixed range of colours',
  },
  json: {
    type: 'application/json',
    about: 'sizes, focal length, warnings, and the depth as base64 of little-endian float32',
  },
  glb: {
    type: 'model/gltf-binary',
    about: 'a surface with the photo on it (glTF 2.0): metres, x right, y up, z towards the viewer',
    metricOnly: true,
  },
} as const satisfies Readonly<Record<string, Format>>

export type FormatName = keyof typeof FORMATS
export const FORMAT_NAMES = Object.keys(FORMATS) as readonly FormatName[]

const formatOf = (name: FormatName): Format => FORMATS[name]

/** Formats of a model. */
export function formatsFor({ metric }: { readonly metric: boolean }): readonly FormatName[] {
  return FORMAT_NAMES.filter((name) => metric || !formatOf(name).metricOnly)
}

interface Accepted {
  readonly type: string
  readonly parameters: ReadonlyMap<string, string>
  readonly weight: number
}

/** `image/png;depth=8;q=0.5, application/json` as types with weights, highest first. */
function parseAccept(header: string): readonly Accepted[] {
  const ranges = header.split(',').flatMap((range) => {
    const [type, ...rest] = range.split(';').map((part) => part.trim().toLowerCase())
    if (type === '') return []
    const parameters = new Map(
      rest.map((text) => {
        const [name, value = ''] = text.split('=').map((part) => part.trim())
        return [name, value] as const
      }),
    )
    const q = Number(parameters.get('q') ?? 1)
    parameters.delete('q')
    return [{ type, parameters, weight: Number.isFinite(q) ? q : 1 }]
  })
  return ranges.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight)
}

/** @throws Problem `not-acceptable` when none of `available` is what the header or the query asks for. */
export function chooseFormat(
  accept: string | null,
  query: FormatName | undefined,
  available: readonly FormatName[],
): FormatName {
  const refuse = (asked: string) =>
    new Problem(
      'not-acceptable',
      `${asked} cannot be made; there is ${available.map((name) => `${name} (${mediaType(name)})`).join(', ')}`,
    )
  if (query !== undefined) {
    if (!available.includes(query)) throw refuse(`the format ${query}`)
    return query
  }
  const ranges = parseAccept(accept ?? '*/*')
  for (const range of ranges.length > 0 ? ranges : parseAccept('*/*')) {
    const found = available.find((name) => matches(range, formatOf(name)))
    if (found) return found
  }
  throw refuse('what the header Accept asks for')
}

function matches({ type, parameters }: Accepted, format: Format): boolean {
  const [family] = format.type.split('/')
  if (type !== '*/*' && type !== `${family}/*` && type !== format.type) return false
  const depth = parameters.get('depth')
  return depth === undefined || format.parameter === `depth=${depth}`
}

/** With its parameter: `image/png;depth=16`. */
export function mediaType(name: FormatName): string {
  const { type, parameter } = formatOf(name)
  return parameter === undefined ? type : `${type};${parameter}`
}
