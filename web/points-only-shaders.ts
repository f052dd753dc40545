/**
 * three.js brings the shaders of all its materials as strings, which no bundler can tell apart from what is used. The page draws
 * points. Of the strings, this keeps those that the shader of points includes, and what every program has; the others become empty.
 * It saves a quarter of three.js. A build fails when three.js is written differently, and the page's test looks at the points.
 */
import type { Plugin } from 'vite'

/** The shader of points, and what WebGLProgram puts before every shader. */
const ROOTS = ['points_vert', 'points_frag', 'tonemapping_pars_fragment', 'colorspace_pars_fragment']

export function pointsOnlyShaders(): Plugin {
  return {
    name: 'points-only-shaders',
    apply: 'build',
    enforce: 'pre',
    transform(code, id) {
      if (!/three\/build\/three\.module\.js(\?|$)/.test(id)) return null
      return { code: withoutUnused(code), map: null }
    },
  }
}

function withoutUnused(code: string): string {
  const [chunks] = /^const ShaderChunk = \{[\s\S]*?^\};/m.exec(code) ?? []
  if (chunks === undefined) throw new Error('three.module.js has no ShaderChunk; see web/points-only-shaders.ts')
  /** Name of a chunk → name of the constant that holds it. */
  const constants = new Map([...chunks.matchAll(/^\t(\w+): ([\w$]+),?$/gm)].map(([, chunk, name]) => [chunk, name]))
  const texts = new Map(
    [...code.matchAll(/^(?:var|const) ([\w$]+) = (".*");$/gm)].map(([, name, text]) => [name, text]),
  )
  const used = new Set<string>()
  const use = (chunk: string): void => {
    const name = constants.get(chunk)
    const text = name === undefined ? undefined : texts.get(name)
    if (name === undefined || text === undefined)
      throw new Error(`three.module.js has no shader ${chunk}; see web/points-only-shaders.ts`)
    if (used.has(name)) return
    used.add(name)
    for (const [, included] of text.matchAll(/#include <(\w+)>/g)) use(included)
  }
  for (const root of ROOTS) use(root)
  const unused = new Set([...constants.values()].filter((name) => !used.has(name)))
  const shaders = code.replace(/^(var|const) ([\w$]+) = ".*";$/gm, (line, word, name) =>
    unused.has(name) ? `${word} ${name} = "";` : line,
  )
  // The table of how rough surfaces reflect, which points do not.
  const table = /const DATA = new Uint16Array\( \[[^\]]*\] \);/
  if (!table.test(shaders)) throw new Error('three.module.js has no DATA; see web/points-only-shaders.ts')
  return shaders.replace(table, 'const DATA = new Uint16Array( 512 );')
}
