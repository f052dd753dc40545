/**
 * The header of a `.npy`: a Python literal, read as numpy reads it (`ast.literal_eval`, with Python 2's `480L`), as far as dicts,
 * tuples, lists, strings, whole numbers, True, False and None go. Writers differ in blanks, quotes and commas.
 */
import { DarError } from '../support/errors.ts'
import { shortened } from '../support/text.ts'

/** What numpy.save needs to say of an array. */
export interface NpyHeader {
  /** As stored; null for a structured type. */
  readonly descr: string | null
  readonly fortranOrder: boolean
  readonly shape: readonly number[]
}

type Literal = string | number | boolean | null | readonly Literal[] | ReadonlyMap<string, Literal>

/** numpy's own limit for a header that it reads without being told to trust it. */
export const MAX_HEADER = 10_000
const MAX_DEPTH = 8
const MAX_AXES = 32

/** Throws a DarError, `name` first, when it is not the header of an array. */
export function parseNpyHeader(text: string, name: string): NpyHeader {
  const header = literalOf(text, name)
  if (!(header instanceof Map)) throw wrong(name, 'its header is no dict')
  const [descr, order, shape] = ['descr', 'fortran_order', 'shape'].map((key) => header.get(key))
  if (shape === undefined) throw new DarError(`${name} has no shape in its header; write it with numpy.save`)
  if (typeof order !== 'boolean') throw wrong(name, 'its header says nothing of fortran_order')
  const isShape = Array.isArray(shape) && shape.length <= MAX_AXES
  if (!isShape || !shape.every((axis) => Number.isSafeInteger(axis) && Number(axis) >= 0))
    throw wrong(name, 'the shape in its header is none')
  return { descr: typeof descr === 'string' ? descr : null, fortranOrder: order, shape }
}

const wrong = (name: string, what: string) => new DarError(`${name} is not whole: ${what}; write it with numpy.save`)

/** Tokens: a string with its quotes, a word or number, or one sign. */
const TOKEN = /\s*(?:[bu]?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|([\w.+-]+)|([{}()[\],:]))\s*/sy

/** The one value that the text is. */
function literalOf(text: string, name: string): Literal {
  const tokens: { readonly quoted: boolean; readonly text: string }[] = []
  TOKEN.lastIndex = 0
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(text)
    if (!match) throw wrong(name, `its header holds ${JSON.stringify(shortened(text.slice(at, at + 20)))}`)
    const [, quoted, word, sign] = match
    tokens.push({ quoted: quoted !== undefined, text: quoted?.slice(1, -1) ?? word ?? sign })
  }
  let next = 0
  const take = () => {
    const token = tokens[next++]
    if (!token) throw wrong(name, 'its header stops early')
    return token
  }
  const isNext = (sign: string) => tokens[next]?.text === sign && !tokens[next].quoted
  const listed = (end: string, depth: number): { readonly items: Literal[]; readonly comma: boolean } => {
    const items: Literal[] = []
    let comma = false
    while (!isNext(end)) {
      items.push(value(depth))
      comma = isNext(',')
      if (comma) next++
      else if (!isNext(end)) throw wrong(name, 'its header lacks a comma')
    }
    next++
    return { items, comma }
  }
  const value = (depth: number): Literal => {
    if (depth > MAX_DEPTH) throw wrong(name, 'its header is nested too deep')
    const { quoted, text: word } = take()
    if (quoted) return word
    if (word === '[') return listed(']', depth + 1).items
    if (word === '(') {
      const { items, comma } = listed(')', depth + 1)
      return items.length === 1 && !comma ? items[0] : items
    }
    if (word === '{') return dict(depth + 1)
    if (word === 'True' || word === 'False') return word === 'True'
    if (word === 'None') return null
    if (/^[+-]?\d{1,20}[lL]?$/.test(word)) return Number.parseInt(word, 10)
    throw wrong(name, `its header holds ${JSON.stringify(shortened(word))}`)
  }
  const dict = (depth: number): ReadonlyMap<string, Literal> => {
    const entries = new Map<string, Literal>()
    while (!isNext('}')) {
      const key = value(depth)
      if (typeof key !== 'string' || take().text !== ':') throw wrong(name, 'its header is no dict')
      entries.set(key, value(depth))
      if (isNext(',')) next++
      else if (!isNext('}')) throw wrong(name, 'its header lacks a comma')
    }
    next++
    return entries
  }
  const result = value(0)
  if (next < tokens.length) throw wrong(name, 'its header goes on after the dict')
  return result
}
