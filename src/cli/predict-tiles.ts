/** The flags `--tiles` and `--tiles-across` of `dar predict`. The work is in src/predict/predict-tiled.ts. */
import type { Command } from 'commander'
import { checkTiles, type TileOptions } from '../predict/index.ts'
import { DarError } from '../support/errors.ts'
import { above0 } from './flag-values.ts'

export interface TilesFlags {
  readonly tiles?: boolean
  readonly tilesAcross?: string
}

/** Adds the flags. A number after `--tiles` would swallow the photo that follows it, so it has a flag of its own. */
export function addTilesFlag(command: Command): Command {
  return command
    .option('--tiles', 'more detail for a large photo: also predict overlapping tiles, and move edges to the photo’s')
    .option('--tiles-across <n>', 'the same with so many tiles across (default: 3; 1 moves edges only)')
}

/** The option of `predict` that the flags stand for. Throws a DarError for a number that is none, and beside `--steps`. */
export function tilesOf(
  { tiles, tilesAcross }: TilesFlags,
  { steps }: { readonly steps: boolean | undefined },
): true | TileOptions | undefined {
  if (!tiles && tilesAcross === undefined) return undefined
  if (steps) throw new DarError('--tiles gives no maps of the steps; leave out --steps or --tiles')
  if (tilesAcross === undefined) return true
  const options = { across: above0('--tiles-across', tilesAcross) }
  checkTiles(options)
  return options
}
