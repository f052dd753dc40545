/**
 * What is in deploy/: the Dockerfile and the manifests are what their readers take, and agree with the server that they start. No
 * image is built and no cluster is asked here.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { cp, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { validate } from 'dockerfile-utils'
import type { Deployment } from 'kubernetes-types/apps/v1.d.ts'
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.d.ts'
import type { Service } from 'kubernetes-types/core/v1.d.ts'
import type { NetworkPolicy } from 'kubernetes-types/networking/v1.d.ts'
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.d.ts'
import { describe, expect, it } from 'vitest'
import { createProgram } from '../src/cli/program.ts'
import { registerServe } from '../src/cli/serve.ts'
import { Metrics } from '../src/serve/metrics.ts'
import { hasProgram } from './has-program.ts'
import { checkManifests, documentsOf, type Manifest, manifestsIn, yamlFilesIn } from './kubernetes.ts'
import { temporaryFolder } from './temporary-folder.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FOLDER = join(ROOT, 'deploy', 'kubernetes')
const manifests = manifestsIn(FOLDER)
const one = <Kind>(kind: string) => {
  const found = manifests.filter((manifest) => manifest.kind === kind)
  expect(found, kind).toHaveLength(1)
  return found[0] as Kind
}
const { template, selector } = one<Deployment>('Deployment').spec!
const [container] = template.spec!.containers
const [serve] = createProgram([registerServe], '0').commands

describe('the manifests', () => {
  it('are what the Kubernetes API takes', { timeout: 120_000 }, async () => {
    expect(manifests.map(({ kind }) => kind).sort()).toEqual([
      'Deployment',
      'HorizontalPodAutoscaler',
      'NetworkPolicy',
      'PodDisruptionBudget',
      'Service',
    ])
    expect(await checkManifests(manifests)).toBe('')
    const [deployment] = manifests.filter(({ kind }) => kind === 'Deployment')
    const misspelt = {
      ...deployment,
      spec: { ...one<Deployment>('Deployment').spec, replica: 2 },
    } as unknown as Manifest
    expect(await checkManifests([misspelt])).toContain('replica')
  })

  it('are all listed for kustomize', () => {
    const [{ resources }] = documentsOf(join(FOLDER, 'kustomization.yaml')) as { resources: string[] }[]
    const others = ['kustomization.yaml', 'prometheus-adapter.values.yaml']
    const files = yamlFilesIn(FOLDER).map((file) => file.slice(FOLDER.length + 1))
    expect([...resources, ...others].sort()).toEqual(files.sort())
  })

  it.skipIf(!hasProgram('yamllint'))('are tidy (yamllint)', () => {
    const rules = '{extends: default, rules: {document-start: disable, line-length: {max: 140}}}'
    expect(execFileSync('yamllint', ['-s', '-d', rules, FOLDER], { encoding: 'utf8' })).toBe('')
  })

  it('start the server with flags that it has, at the port that the service asks', () => {
    const [verb, ...flags] = container.args!
    expect(verb).toBe('serve')
    const known = serve.options.map(({ long }) => long)
    for (const flag of flags) expect(known).toContain(flag.split('=')[0])
    expect(container.ports).toEqual([{ name: 'http', containerPort: 8000 }])
    const [port] = one<Service>('Service').spec!.ports!
    expect(port.targetPort).toBe('http')
    expect(template.metadata!.annotations!['prometheus.io/port']).toBe('8000')
  })

  it('name the same pods everywhere', () => {
    const labels = template.metadata!.labels
    expect(selector.matchLabels).toEqual(labels)
    expect(one<Service>('Service').spec!.selector).toEqual(labels)
    expect(one<PodDisruptionBudget>('PodDisruptionBudget').spec!.selector!.matchLabels).toEqual(labels)
    expect(one<NetworkPolicy>('NetworkPolicy').spec!.podSelector.matchLabels).toEqual(labels)
    expect(one<HorizontalPodAutoscaler>('HorizontalPodAutoscaler').spec!.scaleTargetRef.name).toBe('dar-depth')
  })

  it('scale on a metric that the server has', async () => {
    const { registry } = new Metrics({
      queueDepth: () => 0,
      running: () => 0,
      bodyBytes: () => 0,
      ready: () => true,
      replacements: () => 0,
    })
    const [metric] = one<HorizontalPodAutoscaler>('HorizontalPodAutoscaler').spec!.metrics!
    const { name } = metric.pods!.metric
    expect(await registry.metrics()).toContain(`\n${name} 0`)
    expect(readFileSync(join(FOLDER, 'prometheus-adapter.values.yaml'), 'utf8')).toContain(`as: ${name}`)
  })

  it('let a pod go only when its requests are answered', () => {
    const grace = Number(container.args!.find((flag) => flag.startsWith('--grace='))?.split('=')[1])
    const pause = Number(container.lifecycle!.preStop!.exec!.command![1])
    expect(template.spec!.terminationGracePeriodSeconds).toBeGreaterThan(grace + pause)
    expect(container.readinessProbe!.httpGet!.path).toBe('/v2/health/ready')
    expect(container.livenessProbe!.httpGet!.path).toBe('/v2/health/live')
  })

  it('give the server as few rights as it needs', () => {
    expect(template.spec!.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    })
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    // Nothing is written but here.
    expect(container.volumeMounts).toEqual([{ name: 'tmp', mountPath: '/tmp' }])
    expect(template.spec!.volumes).toEqual([{ name: 'tmp', emptyDir: { sizeLimit: '256Mi' } }])
    expect(one<NetworkPolicy>('NetworkPolicy').spec!.egress).toEqual([])
    expect(container.resources!.limits).toMatchObject({ memory: '2Gi' })
  })
})

describe('the Dockerfile', () => {
  const text = readFileSync(join(ROOT, 'deploy', 'Dockerfile'), 'utf8')
  const lines = text.split('\n')

  it('has no mistake that its linter knows', () => {
    expect(validate(text).map(({ message }) => message)).toEqual([])
    expect(validate(text.replace('EXPOSE 8000', 'EXPOSE http')).length).toBeGreaterThan(0)
  })

  it('copies what is there, and has every package.json that npm ci reads', () => {
    const copied = lines.flatMap((line) => /^COPY ((?!--from).+) \S+$/.exec(line)?.[1].split(' ') ?? [])
    expect(copied.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
    const { workspaces } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { workspaces: string[] }
    for (const workspace of workspaces) expect(copied).toContain(`${workspace}/package.json`)
  })

  it('runs as nobody, and starts the verb by the file that the package names', () => {
    const last = text.slice(text.lastIndexOf('\nFROM '))
    expect(last).toMatch(/^USER 1000:1000$/m)
    const { bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { bin: { dar: string } }
    expect(last).toContain(`ENTRYPOINT ["node", "${bin.dar}"]`)
    const flags = JSON.parse(/^CMD (.+)$/m.exec(last.split('ENTRYPOINT')[1])?.[1] ?? '[]') as string[]
    expect(flags[0]).toBe('serve')
    expect(serve.options.map(({ long }) => long)).toContain(flags[1])
  })

  it('keeps one binary of ONNX Runtime, and that one loads', { timeout: 120_000 }, async () => {
    const modules = join(await temporaryFolder(), 'node_modules')
    const own = `/${process.platform}/${process.arch}/`
    // Of the other platforms the folders only: their files take 250 MB.
    const filter = (path: string) => !path.includes('/bin/') || path.includes(own) || statSync(path).isDirectory()
    for (const name of ['onnxruntime-node', 'onnxruntime-common'])
      await cp(join(ROOT, 'node_modules', name), join(modules, name), { recursive: true, filter })
    const bin = join(modules, 'onnxruntime-node', 'bin')
    const [api] = await readdir(bin)
    expect((await readdir(join(bin, api))).length).toBeGreaterThan(1)
    const prune = (...more: string[]) =>
      execFileSync(process.execPath, [join(ROOT, 'deploy', 'prune-engine.mjs'), modules, ...more], { stdio: 'pipe' })
    expect(() => prune('plan9', 'mips')).toThrow('no binary for plan9 on mips')
    prune()
    expect([await readdir(join(bin, api)), await readdir(join(bin, api, process.platform))]).toEqual([
      [process.platform],
      [process.arch],
    ])
    const script = "console.log(typeof require('onnxruntime-node').InferenceSession.create)"
    const printed = execFileSync(process.execPath, ['-e', script], { cwd: dirname(modules), encoding: 'utf8' })
    expect(printed).toBe('function\n')
  })
})
