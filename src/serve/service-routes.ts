/** `/metrics`, `/openapi.json` and the page to try it. */
import { openapiDocument } from './openapi.ts'
import { jsonResponse, type Route } from './route.ts'
import type { Service } from './service.ts'
import { TRY_HEADERS, TRY_PAGE } from './try-page.ts'

/** `routes`: the others, which the description describes beside these. */
export function serviceRoutes(
  service: Service,
  routes: readonly Route[],
  { guarded }: { readonly guarded: boolean },
): Route[] {
  const own: Route[] = [
    {
      method: 'get',
      path: '/metrics',
      id: 'metrics',
      tag: 'service',
      summary: 'Figures for Prometheus',
      answer: { description: 'The text format of Prometheus', content: { 'text/plain': 'text' } },
      handle: async () => {
        const { registry } = service.metrics
        return new Response(await registry.metrics(), { headers: { 'content-type': registry.contentType } })
      },
    },
    {
      method: 'get',
      path: '/openapi.json',
      id: 'openapi',
      tag: 'service',
      summary: 'This description',
      open: true,
      answer: { description: 'An OpenAPI 3.1 document', content: { 'application/json': 'text' } },
      handle: async () => jsonResponse(document),
    },
    {
      method: 'get',
      path: '/try',
      id: 'try',
      tag: 'service',
      summary: 'A page to try it',
      open: true,
      answer: { description: 'The page', content: { 'text/html': 'text' } },
      handle: async () => new Response(TRY_PAGE, { headers: TRY_HEADERS }),
    },
  ]
  const document = openapiDocument([...routes, ...own], { version: service.version, guarded })
  return own
}
