/** The description: valid by its own schema, and about the routes that there are. */
import { createHash } from 'node:crypto'
import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, it } from 'vitest'
import { createApp } from './app.ts'
import { tinyServed } from './testing.ts'

interface Operation {
  readonly operationId: string
  readonly security: readonly unknown[]
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> }
  readonly responses: Readonly<Record<string, unknown>>
}
interface Document {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

const tiny = tinyServed()
const documentOf = async (token?: string) => {
  const { app } = createApp({ model: tiny.model, token })
  return (await (await app.request('/openapi.json')).json()) as Document & Record<string, unknown>
}

describe('/openapi.json', () => {
  it.each([undefined, 'secret'])('is valid OpenAPI 3.1 (token: %s)', async (token) => {
    const validator = new Validator()
    const { valid, errors } = await validator.validate(await documentOf(token))
    expect(errors ?? []).toEqual([])
    expect([valid, validator.version]).toEqual([true, '3.1'])
  })

  it('describes every path, and every path that it describes is there', async () => {
    const { app } = createApp({ model: tiny.model })
    const { paths } = await documentOf()
    expect(Object.keys(paths).sort()).toEqual([
      '/metrics',
      '/openapi.json',
      '/try',
      '/v1/depth',
      '/v1/depth/stream',
      '/v2',
      '/v2/health/live',
      '/v2/health/ready',
      '/v2/models/{model}',
      '/v2/models/{model}/infer',
      '/v2/models/{model}/ready',
      '/v2/models/{model}/versions/{version}',
      '/v2/models/{model}/versions/{version}/infer',
      '/v2/models/{model}/versions/{version}/ready',
    ])
    for (const [path, methods] of Object.entries(paths))
      for (const method of Object.keys(methods)) {
        const { status } = await app.request(path.replace('{model}', 'tiny').replace('{version}', '1'), {
          method: method.toUpperCase(),
        })
        expect([404, 405], `${method} ${path}`).not.toContain(status)
      }
  })

  it('asks for the token where the server does', async () => {
    const { paths } = await documentOf('secret')
    expect(paths['/v1/depth'].post.security).toEqual([{ token: [] }])
    expect(paths['/v2/health/live'].get.security).toEqual([])
    expect((await documentOf()).paths['/v1/depth'].post.security).toEqual([])
  })

  it('has the options, bodies and problems of a depth request', async () => {
    const { parameters, requestBody, responses } = (await documentOf()).paths['/v1/depth'].post
    expect(parameters?.map(({ name }) => name)).toEqual([
      'format',
      'focal',
      'size',
      'map',
      'near',
      'far',
      'x-deadline-ms',
    ])
    expect(Object.keys(requestBody?.content ?? {})).toContain('multipart/form-data')
    expect(Object.keys(responses)).toEqual(
      expect.arrayContaining(['200', '400', '406', '413', '415', '422', '503', '504']),
    )
  })
})

describe('/try', () => {
  it('runs its own script and loads nothing from elsewhere', async () => {
    const { app } = createApp({ model: tiny.model })
    const response = await app.request('/try')
    const page = await response.text()
    const [, script] = /<script type="module">([\s\S]*?)<\/script>/.exec(page) ?? []
    const hash = createHash('sha256').update(script).digest('base64')
    expect(response.headers.get('content-security-policy')).toContain(`script-src 'sha256-${hash}'`)
    expect(page).not.toMatch(/https?:/)
    expect(() => new Function(`return async () => {${script}}`)).not.toThrow()
    const root = await app.request('/')
    expect([root.status, root.headers.get('location')]).toEqual([302, 'try'])
  })
})
