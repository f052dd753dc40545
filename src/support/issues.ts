/**
 * What is wrong with a config or a recipe, in words for who wrote it: zod's issues name types of its own, and a field that was
 * forgotten reads "expected string, received undefined".
 */

/** What is read of one of zod's issues. */
export interface SchemaIssue {
  readonly code?: string
  readonly path: readonly PropertyKey[]
  readonly message: string
  readonly expected?: unknown
  readonly input?: unknown
  readonly keys?: readonly string[]
  readonly values?: readonly unknown[]
}

/** `stages.0.batch: is missing (a whole number)`. `whole` names the value when the issue is of all of it. */
export function issueText(issue: SchemaIssue, whole: string): string {
  const path = issue.path.map(String).join('.') || whole
  return `${path}: ${reasonOf(issue)}`
}

function reasonOf({ code, message, expected, keys, values }: SchemaIssue): string {
  const received = /received (\w+)/.exec(message)?.[1]
  if (code === 'invalid_type' && received === 'undefined') return `is missing (${kindOf(expected)})`
  if (code === 'invalid_type') return `must be ${kindOf(expected)}${received ? `, not ${received}` : ''}`
  if (code === 'unrecognized_keys' && keys)
    return keys.length === 1 ? `has no field ${keys[0]}` : `has no fields ${keys.join(', ')}`
  if (code === 'invalid_value' && values)
    return values.length === 1 ? `must be ${values[0]}` : `must be one of ${values.join(', ')}`
  return message
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'an object',
}

function kindOf(expected: unknown): string {
  return KINDS[String(expected)] ?? String(expected)
}
