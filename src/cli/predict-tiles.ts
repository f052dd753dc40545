/** The flag `--tiles` of `dar predict`, with how often a tile fits across the photo. The work is in src/predict/predict-tiled.ts. */
import type { Command } from 'commander'
import { checkTiles, type TileOptions } from '../predict/index.ts'
import { DarError } from '../support/errors.ts'
import { above0 } from './flag-values.ts'

export interface TilesFlags {
  readonly tiles?: string | true
}

/** Adds the flag. */
export function addTilesFlag(command: Command): Command {
  return command.option(
    '--tiles [across]',
    'more detail for a large photo: also predict overlapping tiles, so many across (default: 3), and move edges to the photo’s',
  )
}

/** The option of `predict` that the flag stands for. Throws a DarError for a number that is none, and beside `--steps`. */
export function tilesOf(
  { tiles }: TilesFlags,
  { steps }: { readonly steps: boolean | undefined },
): true | TileOptions | undefined {
  if (tiles === undefined) return undefined
  if (steps) throw new DarError('--tiles gives no maps of the steps; leave out --steps or --tiles')
  if (tiles === true) return true
  const options = { across: above0('--tiles', tiles) }
  checkTiles(options)
  return options
}
