/** The page at `/try`: a form for a photo, its answer, and the list of operations. One file, which loads nothing from elsewhere. */
import { createHash } from 'node:crypto'

const SCRIPT = `
const form = document.querySelector('form')
const out = document.querySelector('output')
const token = () => form.token.value ? { authorization: 'Bearer ' + form.token.value } : {}
let shown = null
form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const [photo] = form.photo.files
  if (!photo) return
  out.textContent = 'Working…'
  const query = new URLSearchParams({ format: form.format.value })
  if (form.focal.value) query.set('focal', form.focal.value)
  const begin = performance.now()
  try {
    const response = await fetch('v1/depth?' + query, { method: 'POST', body: photo, headers: { 'content-type': photo.type || 'application/octet-stream', ...token() } })
    const took = Math.round(performance.now() - begin)
    const blob = await response.blob()
    const line = document.createElement('p')
    line.textContent = response.status + ', ' + took + ' ms, ' + blob.size + ' bytes of ' + blob.type
    out.replaceChildren(line)
    if (!response.ok) { const text = document.createElement('pre'); text.textContent = JSON.stringify(JSON.parse(await blob.text()), null, 2); out.append(text); return }
    const info = document.createElement('pre')
    info.textContent = JSON.stringify(JSON.parse(response.headers.get('x-depth-info')), null, 2)
    if (shown) URL.revokeObjectURL(shown)
    shown = URL.createObjectURL(blob)
    if (form.format.value === 'color') { const image = document.createElement('img'); image.src = shown; image.alt = 'The depth of the photo as colours'; out.append(image) }
    const link = document.createElement('a')
    link.href = shown
    link.download = photo.name.replace(/\\.[^.]*$/, '') + '.depth.' + { color: 'png', png16: 'png', npy: 'npy', json: 'json', glb: 'glb' }[form.format.value]
    link.textContent = 'Download'
    out.append(link, info)
  } catch (error) { out.textContent = 'No answer: ' + error.message }
})
const list = document.querySelector('ul')
const description = await (await fetch('openapi.json')).json()
for (const name of description.paths['/v1/depth'].post.parameters.find((one) => one.name === 'format').schema.enum) form.format.add(new Option(name, name, name === 'color', name === 'color'))
for (const [path, methods] of Object.entries(description.paths)) for (const [method, { summary }] of Object.entries(methods)) {
  const item = document.createElement('li')
  const code = document.createElement('code')
  code.textContent = method.toUpperCase() + ' ' + path
  item.append(code, ' ' + summary)
  list.append(item)
}
`

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
form { display: grid; grid-template-columns: max-content 1fr; gap: .6rem 1rem; align-items: center }
button { grid-column: 2; justify-self: start; font: inherit; padding: .4rem 1rem }
input, select { font: inherit; min-width: 0 }
img { max-width: 100%; display: block }
pre { overflow: auto; max-height: 16rem; font-size: .85rem }
`

export const TRY_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>dar-depth: try it</title>
<style>${STYLE}</style>
<h1>Depth of a photo</h1>
<form>
<label for="photo">Photo</label><input id="photo" name="photo" type="file" accept="image/jpeg,image/png,image/webp" required>
<label for="format">Answer as</label><select id="format" name="format"></select>
<label for="focal">Focal length, pixels</label><input id="focal" name="focal" type="number" min="1" step="any" placeholder="from EXIF">
<label for="token">Token</label><input id="token" name="token" type="password" autocomplete="off" placeholder="only where the server asks for one">
<button>Send</button>
</form>
<output aria-live="polite"></output>
<h2>Operations</h2>
<p>The whole description is <a href="openapi.json">openapi.json</a>.</p>
<ul></ul>
<script type="module">${SCRIPT}</script>
</html>
`

const hash = createHash('sha256').update(SCRIPT).digest('base64')

export const TRY_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-cache',
  'content-security-policy': `default-src 'none'; script-src 'sha256-${hash}'; style-src 'unsafe-inline'; img-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
}
