/**
 * Keeps the page for use without a network: its files when it is installed, and the engine that the page uses when the page says so.
 *
 * A host that can set no headers (a folder of static files) does not isolate the page, and then it may use one thread only. From the
 * second visit on the answers come from here, with the headers.
 */
const FILES = self.FILES
const CACHE = `dar-depth-${self.VERSION}`
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

self.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(FILES))
      .then(() => self.skipWaiting()),
  )
})

self.addEventListener('activate', (event) => {
  const removeOlder = async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith('dar-depth-') && name !== CACHE)
    await Promise.all(names.map((name) => caches.delete(name)))
    await self.clients.claim()
  }
  event.waitUntil(removeOlder())
})

// The page: these files too, and tell me when they are there.
self.addEventListener('message', (event) => {
  const keep = async () => {
    const cache = await caches.open(CACHE)
    const missing = []
    for (const url of event.data.keep) if (!(await cache.match(url))) missing.push(url)
    await cache.addAll(missing)
    event.ports[0]?.postMessage('kept')
  }
  if (Array.isArray(event.data?.keep)) event.waitUntil(keep())
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  if (request.method !== 'GET' || new URL(request.url).origin !== self.location.origin) return
  event.respondWith(request.mode === 'navigate' ? page(request) : file(request))
})

/** The newest page where there is a network, else the kept one. */
async function page(request) {
  try {
    return isolated(await fetch(request))
  } catch {
    const cache = await caches.open(CACHE)
    return isolated((await cache.match('./')) ?? Response.error())
  }
}

async function file(request) {
  const cache = await caches.open(CACHE)
  return isolated((await cache.match(request)) ?? (await fetch(request)))
}

function isolated(response) {
  if (response.status === 0 || response.headers.has('Cross-Origin-Embedder-Policy')) return response
  const headers = new Headers(response.headers)
  for (const [name, value] of Object.entries(ISOLATION)) headers.set(name, value)
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers })
}
