/**
 * Operations on untrusted text in time linear in its length. `\s*\n\s*` and `\/+$` look at a long run of blanks or slashes once from
 * each of its characters when what should follow it does not: 150 KB took half a minute.
 */

/** On one line: line breaks and the blanks around them become one blank. */
export function onOneLine(text: string): string {
  const [first, ...rest] = text.split(/[\r\n]+/)
  const last = rest.pop()
  if (last === undefined) return text
  const between = rest.map((line) => line.trim()).filter((line) => line !== '')
  return [first.trimEnd(), ...between, last.trimStart()].join(' ')
}

/** The text without the slashes at its end. */
export function withoutTrailingSlashes(text: string): string {
  let end = text.length
  while (end > 0 && text[end - 1] === '/') end--
  return text.slice(0, end)
}

/** Shortens a text of more than `most` characters; the result ends in `…`. */
export function shortened(text: string, most = 200): string {
  return text.length > most ? `${text.slice(0, most)}…` : text
}
