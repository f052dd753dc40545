/** The options of a depth request, as a query, fields of a form or keys of a JSON body: one schema for all, and for the description. */
import { z } from 'zod'
import { COLOR_MAPS, type ColorMapName } from '../image/colormap.ts'
import type { Size } from '../predict/types.ts'
import { FORMAT_NAMES, type FormatName } from './formats.ts'
import { Problem } from './problem.ts'

const positive = () => z.coerce.number().positive().finite()

export const depthOptions = z.strictObject({
  format: z
    .enum(FORMAT_NAMES as [FormatName, ...FormatName[]])
    .optional()
    .describe('The form of the answer; wins over Accept'),
  focal: positive()
    .optional()
    .describe('Focal length in pixels of the upright image; default: from EXIF, else a phone’s main camera is assumed'),
  size: z
    .string()
    .regex(/^\d{2,4}x\d{2,4}$/, 'give WIDTHxHEIGHT, for example 256x192')
    .optional()
    .describe('Pixel budget of the network’s input, WIDTHxHEIGHT; default: the model’s own'),
  map: z
    .enum(COLOR_MAPS as readonly [ColorMapName, ...ColorMapName[]])
    .optional()
    .describe('Colours of the picture'),
  near: positive().optional().describe('Nearest distance of the colours, metres; default 0.3'),
  far: positive().optional().describe('Farthest distance of the colours, metres; default 10'),
})

/** Options of a stream of steps, which has one form. */
export const streamOptions = depthOptions.pick({ focal: true, size: true })

export type DepthOptions = z.infer<typeof depthOptions>

/** The options in `values`. @throws Problem that names the first wrong one. */
export function readOptions<Schema extends z.ZodType>(schema: Schema, values: unknown): z.infer<Schema> {
  const { success, data, error } = schema.safeParse(values)
  if (success) return data
  const [issue] = error.issues
  const name = issue.path.join('.')
  throw new Problem('bad-request', name === '' ? issue.message : `${name}: ${issue.message}`)
}

/** `256x192` as a size. */
export function sizeOf(text: string | undefined): Size | undefined {
  if (text === undefined) return undefined
  const [width, height] = text.split('x').map(Number)
  return { width, height }
}
