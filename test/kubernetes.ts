/**
 * For tests of Kubernetes manifests: their documents, and whether they are what the Kubernetes API takes. The types of
 * `kubernetes-types` are made from the API's own description; a document becomes a TypeScript literal, which the compiler refuses
 * when a field is unknown, missing or of another type.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import { temporaryFolder } from './temporary-folder.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')

export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
}

/** The YAML files of a folder. */
export function yamlFilesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => /\.ya?ml$/.test(name))
    .map((name) => join(folder, name))
}

/** The documents of a YAML file. Throws for one that is no YAML, or has a key twice. */
export function documentsOf(file: string): unknown[] {
  return parseAllDocuments(readFileSync(file, 'utf8'), { strict: true, uniqueKeys: true }).map((document) => {
    if (document.errors.length > 0) throw new Error(`${file}: ${document.errors[0].message}`)
    return document.toJS() as unknown
  })
}

/** What the Kubernetes API has: no Kustomization, no values of a chart. */
export function manifestsIn(folder: string): Manifest[] {
  const isManifest = (value: unknown): value is Manifest =>
    typeof value === 'object' && value !== null && 'apiVersion' in value && !/kustomize/.test(String(value.apiVersion))
  return yamlFilesIn(folder).flatMap(documentsOf).filter(isManifest)
}

/** `apps/v1` → `apps/v1`; `v1` → `core/v1`; `networking.k8s.io/v1` → `networking/v1`. */
function moduleOf(apiVersion: string): string {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['core', apiVersion]
  return `kubernetes-types/${group.replace(/\.k8s\.io$/, '')}/${version}`
}

/** What the compiler says of the manifests; nothing where they are right. */
export async function checkManifests(manifests: readonly Manifest[]): Promise<string> {
  const folder = await temporaryFolder()
  const lines = manifests.flatMap((manifest, i) => [
    `import type { ${manifest.kind} as Kind${i} } from '${moduleOf(manifest.apiVersion)}'`,
    `export const manifest${i}: Kind${i} = ${JSON.stringify(manifest, null, 2)}`,
  ])
  await writeFile(join(folder, 'manifests.ts'), lines.join('\n'))
  const compilerOptions = {
    strict: true,
    noEmit: true,
    types: [],
    module: 'esnext',
    moduleResolution: 'bundler',
    paths: { 'kubernetes-types/*': [join(ROOT, 'node_modules', 'kubernetes-types', '*')] },
  }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['manifests.ts'] }))
  try {
    return execFileSync(process.execPath, [TSC, '-p', folder], { encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    return String((error as { readonly stdout?: string }).stdout || error)
  }
}
