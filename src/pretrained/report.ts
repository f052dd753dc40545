/** What was loaded from a pretrained file, as data for `--json` and as a table for people. */
import { PARTS, type Part, type PretrainedPlan } from './plan.ts'
import { SCHEMES } from './scheme.ts'

export interface PretrainedReport {
  readonly file: string
  /** The naming scheme of the file. */
  readonly scheme: string
  readonly parts: readonly {
    readonly part: Part
    /** Parameters that were set from the file, including resized ones. */
    readonly loaded: number
    /** Parameters that the file does not have. */
    readonly left: number
  }[]
  readonly resized: readonly { readonly name: string; readonly from: string; readonly to: string }[]
  /** Every tensor of the file that is not used. */
  readonly skipped: readonly { readonly tensor: string; readonly reason: string }[]
  /** Every parameter that keeps its initial value. */
  readonly left: readonly { readonly name: string; readonly reason: string }[]
  /** What the file does not say and the config decides, for a person to check; null: nothing. */
  readonly assumed: string | null
}

export function reportOf({ source, scheme, origins, skipped, left, assumed }: PretrainedPlan): PretrainedReport {
  const count = (names: Iterable<string>, part: Part) => [...names].filter((name) => name.startsWith(`${part}.`)).length
  const parts = PARTS.map((part) => ({
    part,
    loaded: count(origins.keys(), part),
    left: count(
      left.map(({ name }) => name),
      part,
    ),
  })).filter(({ loaded, left }) => loaded + left > 0)
  const resized = [...origins].flatMap(([name, origin]) =>
    origin.kind === 'resize' ? [{ name, from: origin.table.grid.join('×'), to: origin.to.join('×') }] : [],
  )
  return { file: source, scheme: SCHEMES[scheme], parts, resized, skipped, left, assumed }
}

/**
 *     part      loaded    left
 *     encoder      173       0
 *     neck           0      42
 *
 * and a line for what was resized, and for each reason to skip or leave something.
 */
export function reportText(report: PretrainedReport): string {
  const rows = report.parts.map(({ part, loaded, left }) => [part, `${loaded}`, `${left}`])
  const table = [['part', 'loaded', 'left'], ...rows].map(
    ([part, loaded, left]) => `  ${part.padEnd(8)}${loaded.padStart(8)}${left.padStart(8)}`,
  )
  const resized = report.resized.map(({ name, from, to }) => `  resized  ${name}: ${from} → ${to}, bicubic`)
  const skipped = byReason(report.skipped.map(({ tensor, reason }) => [tensor, reason] as const))
  const left = byReason(report.left.map(({ name, reason }) => [name, reason] as const))
  return [
    `${report.file}: names of ${report.scheme}`,
    ...table,
    ...resized,
    ...skipped.map((line) => `  skipped  ${line}`),
    ...left.map((line) => `  left     ${line}`),
    ...(report.assumed === null
      ? []
      : [`  assumed  ${report.assumed}; names do not tell: choose another preset if the file is not so`]),
  ].join('\n')
}

/** `mask_token: reason`, or `12 tensors, neck.… to head.…: reason`. */
function byReason(items: readonly (readonly [name: string, reason: string])[]): string[] {
  const groups = new Map<string, string[]>()
  for (const [name, reason] of items) groups.set(reason, [...(groups.get(reason) ?? []), name])
  return [...groups].map(([reason, names]) => {
    const which = names.length === 1 ? names[0] : `${names.length}, ${names[0]} to ${names[names.length - 1]}`
    return `${which}: ${reason}`
  })
}
