/**
 * Packs the reference's golden tensors of whole models (those with a config) into test/fixtures, for test/parity; the single
 * pieces are carried as they are. `npx tsx scripts/pack-fixtures.ts FOLDER`, FOLDER with the reference's .safetensors files.
 */
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { readSafetensors } from '../src/runtime/safetensors-file.ts'
import { writeFileAtomically } from '../src/support/files.ts'
import { pack } from '../test/parity/packed.ts'

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('name the folder with the reference’s fixtures')
let total = 0
for (const name of (await readdir(folder)).sort()) {
  if (!name.endsWith('.safetensors')) continue
  const file = await readSafetensors(join(folder, name))
  if (![...file.tensors.keys()].includes('loss')) continue
  const bytes = pack(file)
  const out = join('test/fixtures', `${basename(name, '.safetensors')}.packed`)
  await writeFileAtomically(out, bytes)
  total += bytes.length
  console.log(`${out}: ${bytes.length} bytes`)
}
console.log(`${total} bytes in all`)
