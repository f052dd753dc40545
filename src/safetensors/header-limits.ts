/**
 * What a header may ask of its reader. The format allows 100 MB of any JSON; a model has some hundred tensors under short names.
 * Without bounds 100 KB of brackets overflow the stack, and 87 MB of tensors without elements take gigabytes as objects.
 */

/** Of the names of tensors, which end up in messages and reports. */
export const MAX_NAME_LENGTH = 512
/** Of a tensor. */
export const MAX_AXES = 32
/** An entry is two levels deep; unknown fields of it may go deeper. */
const MAX_DEPTH = 64
/** An entry with two axes has ten. */
const MAX_VALUES = 2 ** 20

/**
 * Why the text is too deep or holds too many values; null if neither. Only strings are told apart from the rest, so it need not be
 * valid JSON: this look comes before the parser's.
 */
export function headerProblem(text: string): string | null {
  let depth = 0
  let values = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x22) {
      i = endOfString(text, i)
    } else if (code === 0x7b || code === 0x5b) {
      values++
      if (++depth > MAX_DEPTH) return `has a header nested more than ${MAX_DEPTH} levels deep`
    } else if (code === 0x7d || code === 0x5d) depth--
    else if (code === 0x2c && ++values > MAX_VALUES) return `has a header of more than ${MAX_VALUES} values`
  }
  return null
}

/** Where the string that begins at `start` ends. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end > 0) {
    let escapes = 0
    while (text.charCodeAt(end - 1 - escapes) === 0x5c) escapes++
    if (escapes % 2 === 0) return end
    end = text.indexOf('"', end + 1)
  }
  return text.length
}
