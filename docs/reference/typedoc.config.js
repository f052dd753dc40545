/** The reference of every entry of the package's `exports`, from the sources that they are built from. */
import { readFileSync } from 'node:fs'

const root = new URL('../../', import.meta.url)
const { exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))

/** ./dist/src/graph/index.js → ../../src/graph/index.ts */
const sources = Object.values(exports)
  .map((entry) => entry.default)
  .filter((file) => file !== undefined)
  .map((file) => file.replace('./dist/', '../../').replace(/\.js$/, '.ts'))

export default {
  name: 'dar-depth',
  entryPoints: sources,
  tsconfig: '../../tsconfig.json',
  out: 'html',
  readme: 'none',
  includeVersion: true,
  githubPages: false,
  // The compiler of the project checks its types; this one only reads them.
  skipErrorChecking: true,
  disableSources: true,
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  validation: { notExported: true, notDocumented: true, invalidLink: true, invalidPath: true },
  requiredToBeDocumented: ['Variable', 'Function', 'Class', 'Interface', 'TypeAlias', 'Method', 'Accessor'],
  treatWarningsAsErrors: true,
  // Values that a type is derived from (the type is in the reference), and what only commands open.
  intentionallyNotExported: [
    'INPUTS',
    'flatSchema',
    'Tensors',
    'PRESETS',
    'record',
    'Headed',
    'PretrainedFile',
    'StepOptions',
    // The types of recipes come from these; what users write is the type.
    'blocksSchema',
    'prefixSchema',
    'tailSchema',
    'adamSchema',
    'datasetSchema',
    'datasetOptions',
    'distilSchema',
    'recipeSchema',
    'roomsSchema',
    'scheduleSchema',
    'shapeSchema',
    'stageSchema',
  ],
}
