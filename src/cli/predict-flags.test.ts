import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { tinyConfig } from '../../test/tiny-config.ts'
import { DarError } from '../support/errors.ts'
import { addPredictFlags, kindsFor, type PredictFlags, readPredictFlags } from './predict-flags.ts'

/** The settings of a command line. */
function settings(...args: string[]) {
  const command = addPredictFlags(new Command('predict').exitOverride().configureOutput({ writeErr: () => {} }))
  command.parse(args, { from: 'user' })
  return readPredictFlags(command.opts<PredictFlags>())
}

const kinds = (...args: string[]) => kindsFor(tinyConfig(), settings(...args))

describe('the flags of dar predict', () => {
  it('name what is written', () => {
    expect(kinds()).toEqual(['color', 'depth', 'npy'])
    expect(kinds('--ply', '--glb', '--exr')).toEqual(['color', 'depth', 'npy', 'exr', 'ply', 'glb'])
    expect(kinds('--maps', 'exr, JSON', '--save-numpy')).toEqual(['exr', 'json', 'npy'])
    expect(kinds('--maps', 'color', '--steps')).toEqual(['color', 'steps', 'sigma'])
    expect(settings('--steps').options).toEqual({ steps: true })
    expect(settings('--maps', 'steps').options).toEqual({ steps: true })
    expect(settings('--sigma').options).toEqual({})
  })

  it('refuse what a model has not', () => {
    const relative = { ...tinyConfig({ head: 'dpt', dptOutput: 'relative' }) }
    expect(kindsFor(relative, settings())).toEqual(['color', 'npy'])
    expect(() => kindsFor(relative, settings('--glb'))).toThrow(/relative depth, without metres, and 'glb' needs them/)
    const dpt = tinyConfig({ head: 'dpt' })
    expect(() => kindsFor(dpt, settings('--sigma'))).toThrow(/the model has no sigma/)
    expect(kindsFor(dpt, settings('--maps', 'color', '--steps'))).toEqual(['color', 'steps'])
  })

  it('name the lens in one of three ways', () => {
    expect(settings('--focal', '500').options).toEqual({ focal: 500 })
    expect(settings('--fov', '60').options).toEqual({ fov: 60 })
    expect(settings('--fx', '500', '--fy', '510').options).toEqual({ intrinsics: { fx: 500, fy: 510 } })
    expect(settings('--fx', '500').options).toEqual({ intrinsics: { fx: 500, fy: 500 } })
  })

  it('name the network’s size', () => {
    expect(settings('--input-size', '240').options.size).toEqual({ width: 320, height: 240 })
    expect(settings('--input-size', '256x192').options.size).toEqual({ width: 256, height: 192 })
  })

  it('name the picture', () => {
    expect(settings().style).toMatchObject({ map: 'turbo', picture: 'legend' })
    expect(settings('--pred-only', '--colormap', 'viridis').style).toMatchObject({ map: 'viridis', picture: 'plain' })
    expect(settings('--side-by-side', '--grayscale').style).toMatchObject({ map: 'gray', picture: 'beside' })
    expect(settings('--map', 'magma').style.map).toBe('magma')
    expect(settings('--range', '0.5,4', '--max-depth', '6').style).toMatchObject({ near: 0.5, far: 4, maxDepth: 6 })
  })

  it.each([
    [['--focal', '1', '--fov', '2'], /the lens is given by --focal and --fov; give one of them/],
    [['--fy', '2'], /--fy without --fx/],
    [['--fov', '200'], /--fov 200: give the horizontal field of view in degrees, between 0 and 180/],
    [['--range', '1'], /--range 1: give two distances in metres/],
    [['--range', '1,2,3'], /--range 1,2,3: give two distances/],
    [['--range', '4,2'], /colour range 4\.\.2 m is empty/],
    [['--max-depth', '0'], /--max-depth 0: give a number above 0/],
    [['--input-size', 'large'], /--input-size large: give a whole number above 0/],
    [['--maps', ''], /there is no map ''/],
  ])('refuse %j', (args, message) => {
    expect(() => settings(...args)).toThrow(DarError)
    expect(() => settings(...args)).toThrow(message)
  })

  it.each([
    ['--overwrite', '--resume'],
    ['--pred-only', '--side-by-side'],
    ['--range=1,2', '--near=1'],
    ['--grayscale', '--colormap=turbo'],
  ])('refuse %s with %s', (...args) => {
    expect(() => settings(...args)).toThrow(/cannot be used with option/)
  })
})
