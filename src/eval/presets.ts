/**
 * Protocols by name, and protocols from JSON files. A file has the same fields as a preset. The four that change every
 * figure (`region`, `minimum`, `cap`, `alignment`) are required, and an unknown field is refused.
 *
 *     { "region": "garg", "minimum": 0.001, "cap": 80, "alignment": "none", "input": "kb", "regionOf": "input" }
 *
 * Sources: algorithm section 10. `kitti-eigen` measures the Garg crop of the KB-cropped image, `kitti-eigen-full` that of the
 * whole one; `kitti-eigen-bts` is what the BTS family of code bases (AdaBins, NeWCRFs, …) runs: the network sees the KB
 * crop, its map is put back into the whole image, and the Garg crop is the whole image's.
 */
import { z } from 'zod'
import { DarError, messageOf } from '../support/errors.ts'
import { readTextFile } from '../support/read-file.ts'
import { ALIGNMENTS } from './align.ts'
import { INDOOR_RANGE, INPUTS, type Protocol, REGIONS } from './protocol.ts'

const NYU = { region: 'eigen', minimum: 1e-3, cap: 10, alignment: 'none' } as const
const KITTI = { region: 'garg', minimum: 1e-3, cap: 80, alignment: 'none' } as const
/** Zero-shot from NYU: frames of four cameras and sizes, measured at NYU's size. */
const SUN = { ...NYU, truthSize: { width: 640, height: 480 } } as const

const PRESETS = {
  indoor: { region: 'full', ...INDOOR_RANGE, alignment: 'none' },
  fastdepth: { region: 'crop_native', ...INDOOR_RANGE, alignment: 'none', input: 'centre' },
  'nyu-eigen': NYU,
  'kitti-eigen': { ...KITTI, input: 'kb', regionOf: 'input' },
  'kitti-eigen-full': KITTI,
  'kitti-eigen-bts': { ...KITTI, input: 'kb' },
  'sunrgbd-8m': { ...SUN, cap: 8 },
  'sunrgbd-10m': SUN,
} as const satisfies Record<string, Protocol>

/** One of `PROTOCOL_NAMES`. */
export type ProtocolName = keyof typeof PRESETS
/** Names of the protocols that need no file. */
export const PROTOCOL_NAMES = Object.keys(PRESETS) as readonly ProtocolName[]

const schema = z
  .strictObject({
    name: z.string().min(1).optional(),
    region: z.enum(REGIONS),
    minimum: z.number().min(0),
    cap: z.number().positive(),
    alignment: z.enum(ALIGNMENTS),
    input: z.enum(INPUTS).default('whole'),
    regionOf: z.enum(['whole', 'input']).default('whole'),
    halves: z
      .strictObject({ share: z.number().gt(0.5).lt(1), blend: z.enum(['linear', 'mean']).default('linear') })
      .nullable()
      .default(null),
    flip: z.boolean().default(false),
    truthSize: z
      .strictObject({ width: z.number().int().positive(), height: z.number().int().positive() })
      .nullable()
      .default(null),
    resize: z.enum(['bilinear', 'none']).default('bilinear'),
    averaging: z.enum(['image', 'pixel']).default('image'),
  })
  .refine(({ minimum, cap }) => minimum < cap, { path: ['cap'], message: 'the cap must lie above the minimum' })
  .refine(({ truthSize, input }) => truthSize === null || input === 'whole', {
    path: ['truthSize'],
    message: 'a ground truth of another size cannot be cropped as the image is; leave out truthSize or input',
  })

/** A protocol with every field. Throws a DarError that names the field; `source` is what its message calls the protocol. */
export function parseProtocol(value: unknown, source = 'the protocol'): Required<Omit<Protocol, 'name'>> & Protocol {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]
  throw new DarError(`${source}: ${path.length > 0 ? `"${path.join('.')}": ` : ''}${message}; correct it`)
}

/** The preset of this name, complete. */
export function namedProtocol(name: ProtocolName): Protocol {
  return parseProtocol({ name, ...PRESETS[name] }, name)
}

/** A preset by its name, or a protocol from a JSON file. Throws a DarError that lists the presets when it is neither. */
export async function loadProtocol(nameOrPath: string): Promise<Protocol> {
  const name = PROTOCOL_NAMES.find((one) => one === nameOrPath)
  if (name) return namedProtocol(name)
  if (!nameOrPath.endsWith('.json'))
    throw new DarError(
      `there is no protocol '${nameOrPath}'; choose one of ${PROTOCOL_NAMES.join(', ')}, or give a .json file`,
    )
  let value: unknown
  try {
    value = JSON.parse(await readTextFile(nameOrPath))
  } catch (error) {
    throw new DarError(`cannot read the protocol ${nameOrPath}: ${messageOf(error)}; check the file`)
  }
  return parseProtocol(value, nameOrPath)
}
