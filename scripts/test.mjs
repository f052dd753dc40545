/** `npm test -- …`: sets up, then runs vitest once with the given arguments (`npm test -- src/graph`). */
import { join } from 'node:path'
import { root, runCommand, setUp } from './setup.mjs'

setUp()
process.exitCode = runCommand(process.execPath, [
  join(root, 'node_modules', 'vitest', 'vitest.mjs'),
  'run',
  ...process.argv.slice(2),
])
