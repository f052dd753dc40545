/**
 * A form with a photo, `multipart/form-data` (RFC 7578): the file named `image` and the text fields beside it. The file is a view of the
 * body, not a copy. Left out: files of other names, which are passed over, and Content-Transfer-Encoding, which the RFC deprecates.
 */
import { DarError } from '../support/errors.ts'

/** A depth request as its body says it. */
export interface DepthBody {
  readonly image: Uint8Array
  /** Not yet checked. */
  readonly options: Readonly<Record<string, unknown>>
}

/** Parts of a form that are read, at most. */
const MOST = 64

const LINE = '\r\n'

/** @throws DarError, with a message for the client. */
export function parseForm(bytes: Uint8Array, contentType: string): DepthBody {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;]{1,70}))/i.exec(contentType) ?? []
  const boundary = quoted ?? plain
  if (boundary === undefined) throw notAForm()
  let image: Uint8Array | null = null
  const options: Record<string, string> = {}
  for (const { name, isFile, content } of partsOf(bytes, boundary)) {
    if (name === 'image' && isFile) image ??= content
    else if (!isFile) options[name] = new TextDecoder().decode(content)
  }
  if (!image) throw new DarError('the form has no file named image')
  return { image, options }
}

const notAForm = () => new DarError('the body is not a form')

interface Part {
  readonly name: string
  readonly isFile: boolean
  readonly content: Uint8Array
}

/** --boundary CRLF headers CRLF CRLF content CRLF --boundary … CRLF --boundary-- */
function* partsOf(bytes: Uint8Array, boundary: string): Generator<Part> {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const delimiter = `${LINE}--${boundary}`
  // The first delimiter may stand at the very beginning, without its line break.
  const first = delimiter.slice(LINE.length)
  let at = body.subarray(0, first.length).equals(Buffer.from(first)) ? first.length : after(body, delimiter, 0)
  for (let count = 0; !body.subarray(at, at + 2).equals(Buffer.from('--')); count++) {
    if (count === MOST) throw new DarError(`the form has more than ${MOST} fields`)
    const head = after(body, LINE, at) // behind the delimiter there may be spaces
    // Without any header, the empty line is the one that ends the delimiter's.
    const content = after(body, LINE + LINE, head - LINE.length)
    at = after(body, delimiter, content - LINE.length)
    const end = at - delimiter.length
    yield {
      ...disposition(body.toString('utf8', head, content)),
      content: bytes.subarray(content, Math.max(content, end)),
    }
  }
}

/** Where the text ends. */
function after(body: Buffer, text: string, from: number): number {
  const at = body.indexOf(text, from)
  if (at < 0) throw notAForm()
  return at + text.length
}

/** Content-Disposition: form-data; name="image"; filename="photo.jpg" */
function disposition(head: string): Pick<Part, 'name' | 'isFile'> {
  const [, parameters] = /^content-disposition:\s*form-data\s*(;.*)$/im.exec(head) ?? []
  const [, quoted, plain] = /;\s*name=(?:"([^"]*)"|([^\s;"]+))/i.exec(parameters ?? '') ?? []
  const name = quoted ?? plain
  if (name === undefined) throw new DarError('a field of the form has no name')
  return { name: name.replaceAll('%22', '"'), isFile: /;\s*filename\*?=/i.test(parameters) }
}
