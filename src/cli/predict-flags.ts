/**
 * The flags of `dar predict`, and what they mean. Several are those of other depth tools under their own names: `--input-size`,
 * `--pred-only`, `--grayscale` and `--save-numpy` of Depth Anything, `--maps`, `--ply` and `--glb` of MoGe (docs/cli.md).
 */
import { type Command, Option } from 'commander'
import { COLOR_MAPS, type ColorMapName, colourise } from '../image/index.ts'
import { type DarConfig, isMetric, mapCount } from '../model/index.ts'
import { DEFAULT_KINDS, type OutputKind, type OutputStyle, parseKinds, RELATIVE_KINDS } from '../node/index.ts'
import { type ManyOptions, parseSize } from '../predict/index.ts'
import { DarError } from '../support/errors.ts'
import { type DeviceFlags, deviceOption } from './device-flag.ts'
import { above0, atLeast0, wholeAbove0 } from './flag-values.ts'
import { type AlignFlags, addAlignFlags } from './predict-align.ts'
import { addTilesFlag, type TilesFlags, tilesOf } from './predict-tiles.ts'

export interface PredictFlags extends DeviceFlags, AlignFlags, TilesFlags {
  readonly out: string
  readonly model: string
  readonly threads?: string
  readonly json?: boolean
  readonly overwrite?: boolean
  readonly resume?: boolean
  // the lens
  readonly focal?: string
  readonly fx?: string
  readonly fy?: string
  readonly fov?: string
  readonly inputSize?: string
  // what is written
  readonly maps?: string
  readonly saveNumpy?: boolean
  readonly ply?: boolean
  readonly glb?: boolean
  readonly exr?: boolean
  readonly steps?: boolean
  readonly sigma?: boolean
  readonly maxDepth?: string
  // the picture
  readonly colormap?: ColorMapName
  readonly map?: ColorMapName
  readonly grayscale?: boolean
  readonly range?: string
  readonly near?: string
  readonly far?: string
  readonly stretch?: boolean
  readonly predOnly?: boolean
  readonly sideBySide?: boolean
}

/** Adds the flags. */
export function addPredictFlags(command: Command): Command {
  return addTilesFlag(addAlignFlags(command))
    .option('-o, --out <dir>', 'folder for the results', 'depth')
    .option('--model <name|file>', 'a shipped model, a .safetensors file, or hub:owner/name', 'dar-nano')
    .option(
      '--input-size <n|WxH>',
      'pixels of the network: its shorter side for a 4:3 photo, or a size (default: the model’s)',
    )
    .option('--focal <px>', 'focal length in pixels of the upright photo (default: from EXIF)')
    .option('--fx <px>', 'the same, along the rows')
    .option('--fy <px>', 'the same, along the columns (default: as --fx)')
    .option('--fov <degrees>', 'horizontal field of view instead of a focal length')
    .option('--maps <list>', `what is written (default: ${DEFAULT_KINDS.join(',')}); the list is below`)
    .option('--save-numpy', 'also npy, where --maps leaves it out')
    .option('--exr', 'also exr')
    .option('--ply', 'also ply')
    .option('--glb', 'also glb')
    .option('--sigma', 'also sigma')
    .option('--steps', 'also steps and sigma')
    .option('--max-depth <m>', 'what is farther away counts as no measurement')
    .addOption(new Option('--colormap <name>', 'colours').choices(COLOR_MAPS).default('turbo'))
    .addOption(new Option('--map <name>', 'former name of --colormap').choices(COLOR_MAPS).hideHelp())
    .addOption(new Option('--grayscale', 'grey instead of colours: near is bright').conflicts(['colormap', 'map']))
    .addOption(new Option('--range <near,far>', 'the same as --near and --far').conflicts(['near', 'far', 'stretch']))
    .option('--near <m>', 'nearest distance of the colours, metres (default: 0.3)')
    .option('--far <m>', 'farthest distance of the colours, metres (default: 10)')
    .addOption(new Option('--stretch', 'spread the colours over each map').conflicts(['near', 'far']))
    .addOption(
      new Option('--pred-only', 'the colours alone, at the photo’s size, without a legend').conflicts('sideBySide'),
    )
    .option('--side-by-side', 'the photo to the left of the colours')
    .addOption(new Option('--overwrite', 'make results anew that are there already').conflicts('resume'))
    .option('--resume', 'go on with a stopped run: photos whose results are not complete are done anew')
    .option('--json', 'print one line of JSON for every photo, as it is done')
    .option('--threads <n>', 'threads of the engine (default: all cores)')
    .addOption(deviceOption())
}

/** How photos are predicted and written, from flags that make sense. */
export interface PredictSettings {
  readonly threads?: number
  /** Lens, size and steps. */
  readonly options: ManyOptions
  readonly style: Omit<OutputStyle, 'kinds'>
  /** In the flags' own words; null for the default. */
  readonly asked: readonly OutputKind[] | null
  /** Asked for on top of the default, or of `asked`. */
  readonly more: readonly OutputKind[]
}

/** Checks all flags at once, not at the first photo. @throws DarError for a value that makes no sense. */
export function readPredictFlags(flags: PredictFlags): PredictSettings {
  const style = styleOf(flags)
  colourise({ width: 1, height: 1, data: Float32Array.of(1) }, style) // throws for an empty range
  const asked = flags.maps === undefined ? null : parseKinds(flags.maps)
  const flagged: readonly (readonly [unknown, readonly OutputKind[]])[] = [
    [flags.saveNumpy, ['npy']],
    [flags.exr, ['exr']],
    [flags.ply, ['ply']],
    [flags.glb, ['glb']],
    [flags.steps, ['steps', 'sigma']],
    [flags.sigma, ['sigma']],
  ]
  const more = flagged.flatMap(([given, kinds]) => (given ? kinds : []))
  const steps = [...(asked ?? []), ...more].includes('steps')
  const size = inputSizeOf(flags.inputSize)
  const tiles = tilesOf(flags, { steps })
  const options = { ...lensOf(flags), ...(steps && { steps }), ...(size && { size }), ...(tiles && { tiles }) }
  return { threads: wholeAbove0('--threads', flags.threads), options, style, asked, more }
}

/**
 * What is written of every photo by a model of this config. `metric`: whether the maps are metres when they are written; alignment makes them so.
 * @throws DarError for a kind that the model has not: metres of a relative one, steps or sigma of a head without.
 */
export function kindsFor(
  config: DarConfig,
  { asked, more }: Pick<PredictSettings, 'asked' | 'more'>,
  { metric = isMetric(config) }: { readonly metric?: boolean } = {},
): OutputKind[] {
  const hasSigma = mapCount(config) > 1
  const usual = metric ? DEFAULT_KINDS : DEFAULT_KINDS.filter((kind) => RELATIVE_KINDS.includes(kind))
  const kinds = [...new Set([...(asked ?? usual), ...more])]
  const refused = metric ? undefined : kinds.find((kind) => !RELATIVE_KINDS.includes(kind))
  if (refused)
    throw new DarError(
      `the model gives relative depth, without metres, and '${refused}' needs them; choose among ${RELATIVE_KINDS.join(', ')}`,
    )
  if (hasSigma || !kinds.includes('sigma')) return kinds
  if (!kinds.includes('steps')) throw new DarError('the model has no sigma; leave out --sigma')
  return kinds.filter((kind) => kind !== 'sigma')
}

function styleOf(flags: PredictFlags): PredictSettings['style'] {
  const range = flags.range === undefined ? null : rangeOf(flags.range)
  const maxDepth = above0('--max-depth', flags.maxDepth)
  return {
    map: flags.grayscale ? 'gray' : (flags.map ?? flags.colormap),
    near: range?.near ?? above0('--near', flags.near),
    far: range?.far ?? above0('--far', flags.far),
    stretch: flags.stretch,
    picture: flags.predOnly ? 'plain' : flags.sideBySide ? 'beside' : 'legend',
    ...(maxDepth !== undefined && { maxDepth }),
  }
}

function rangeOf(text: string): { readonly near: number; readonly far: number } {
  const [near, far, ...rest] = text.split(',')
  if (far === undefined || rest.length > 0)
    throw new DarError(`--range ${text}: give two distances in metres, as in --range 0.3,10`)
  return { near: above0('--range', near), far: above0('--range', far) }
}

/** Depth Anything's N is the network's shorter side; here sizes are a number of pixels, which a photo of any shape gets. */
function inputSizeOf(text: string | undefined) {
  if (text === undefined) return undefined
  if (text.includes('x')) return parseSize(text, '--input-size')
  const shorter = wholeAbove0('--input-size', text)
  return parseSize(`${Math.round((4 * shorter) / 3)}x${shorter}`, '--input-size')
}

function lensOf({ focal, fx, fy, fov }: PredictFlags): Pick<ManyOptions, 'focal' | 'fov' | 'intrinsics'> {
  const ways = Object.entries({ '--focal': focal, '--fx': fx, '--fov': fov }).filter(([, value]) => value !== undefined)
  if (ways.length > 1)
    throw new DarError(`the lens is given by ${ways.map(([flag]) => flag).join(' and ')}; give one of them`)
  if (fy !== undefined && fx === undefined) throw new DarError('--fy without --fx; give both, or --focal')
  if (focal !== undefined) return { focal: above0('--focal', focal) }
  if (fov !== undefined) {
    const degrees = atLeast0('--fov', fov)
    if (!(degrees > 0 && degrees < 180))
      throw new DarError(`--fov ${fov}: give the horizontal field of view in degrees, between 0 and 180`)
    return { fov: degrees }
  }
  if (fx === undefined) return {}
  const alongX = above0('--fx', fx)
  return { intrinsics: { fx: alongX, fy: above0('--fy', fy) ?? alongX } }
}
