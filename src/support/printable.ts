/**
 * Text from outside, file names above all, as it may be shown: nothing in it moves the cursor, hides a line or turns the direction of
 * reading, and nothing secret is in it.
 */

/** Control characters, line and paragraph separators, and what turns the direction of text. */
const UNSAFE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu

/** The text with every unsafe character as an escape: `a\x1b[31m.jpg`. Line breaks stay. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => {
    if (character === '\n' || character === '\t') return character
    const code = character.charCodeAt(0)
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
  })
}

/** A name for one line: line breaks and tabs are escaped, too. */
export function printableName(text: string): string {
  return printable(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t')
}

/** The most characters of a message. */
const LONGEST = 2000
/** What is kept of its end, where the remedy stands. */
const END = 500

/** A long text with its middle left out. */
export function cut(text: string, { longest = LONGEST }: { readonly longest?: number } = {}): string {
  if (text.length <= longest) return text
  const end = Math.min(END, Math.floor(longest / 4))
  const left = text.length - longest
  return `${text.slice(0, longest - end)} … (${left} characters left out) … ${text.slice(text.length - end)}`
}

/** The text without the given secrets, names and passwords in addresses, and what looks like a token of the Hub. */
export function redacted(
  text: string,
  { secrets = [] }: { readonly secrets?: readonly (string | undefined)[] } = {},
): string {
  let shown = text
  for (const secret of secrets) if (secret) shown = shown.replaceAll(secret, '[secret]')
  return shown
    .replace(/\b([a-z]{2,10}:\/\/)[^/?#@\s]{1,500}@/gi, '$1[secret]@')
    .replace(/(^|[\s"'])[^\s/:@"']{1,100}:[^\s/@"']{1,100}@(?=[\w.-])/g, '$1[secret]@')
    .replace(/\bhf_[A-Za-z0-9]{8,}/g, '[secret]')
    .replace(/\bBearer [^\s"']+/g, 'Bearer [secret]')
}
