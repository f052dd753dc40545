/** Which of several names somebody meant who wrote another one. */

/** The name with the fewest edits from `written`, if these are at most a third of its letters; else null. Of two, the one that begins alike. */
export function nearestName(written: string, names: readonly string[]): string | null {
  let best: string | null = null
  let fewest = Math.ceil(written.length / 3)
  let longest = -1
  for (const name of names) {
    const edits = editsBetween(written.toLowerCase(), name.toLowerCase())
    const alike = sameStart(written, name)
    if (edits > fewest || (edits === fewest && alike <= longest)) continue
    longest = alike
    fewest = edits
    best = name
  }
  return best
}

/** How many letters two names have in common at their beginning. */
function sameStart(a: string, b: string): number {
  let n = 0
  while (n < a.length && a[n] === b[n]) n++
  return n
}

/** Insertions, deletions and replacements of letters that make `b` of `a` (Levenshtein, 1965). */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + Number(a[i - 1] !== b[j - 1])))
    row = next
  }
  return row[b.length]
}
