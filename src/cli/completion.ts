/**
 * `dar completion SHELL`: prints a script that completes verbs, flags and the values of flags, made from commander's
 * own tree of commands. The script does not call `dar`, because starting Node at every key press would be slow. Words
 * that it does not know are left to the shell, which completes names of files.
 */
import { Argument, type Command, type Option } from 'commander'

const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

const HELP = `
  bash   echo 'source <(dar completion bash)' >> ~/.bashrc
  zsh    echo 'source <(dar completion zsh)' >> ~/.zshrc
  fish   dar completion fish > ~/.config/fish/completions/dar.fish`

export function registerCompletion(program: Command): void {
  program
    .command('completion')
    .description('a script for the shell, which then completes verbs and flags')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .addHelpText('after', HELP)
    .action((shell: Shell) => {
      process.stdout.write(completionScript(program, shell))
    })
}

/** zsh runs completions that were written for bash, once these two are loaded. */
const ZSH_HEAD = `autoload -Uz compinit bashcompinit
(( $+functions[compdef] )) || compinit
(( $+functions[complete] )) || bashcompinit
`

/** A script for a program whose verbs are all loaded. */
export function completionScript(program: Command, shell: Shell): string {
  const commands = commandsOf(program)
  if (shell === 'fish') return fishScript(commands)
  return `${shell === 'zsh' ? ZSH_HEAD : ''}${bashScript(commands)}`
}

interface Described {
  readonly word: string
  readonly text: string
}

interface Completed {
  /** `dar data make`. */
  readonly path: string
  readonly verbs: readonly Described[]
  readonly flags: readonly Option[]
  /** Values of its first argument. */
  readonly values: readonly string[]
}

/** A command and those below it, without what the help hides. */
function commandsOf(command: Command, above: readonly string[] = []): Completed[] {
  const names = [...above, command.name()]
  const help = command.createHelp()
  const below = help.visibleCommands(command)
  const own = {
    path: names.join(' '),
    verbs: below.map((verb) => ({ word: verb.name(), text: verb.description() })),
    flags: help.visibleOptions(command),
    values: command.registeredArguments[0]?.argChoices ?? [],
  }
  const real = below.filter((verb) => command.commands.includes(verb))
  return [own, ...real.flatMap((verb) => commandsOf(verb, names))]
}

const spellings = ({ short, long }: Option) => [short, long].filter((word) => word !== undefined)
const takesValue = ({ required, optional }: Option) => required || optional
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

function bashScript(commands: readonly Completed[]): string {
  const paths = commands.slice(1).map(({ path }) => quoted(path))
  const values = commands.flatMap(({ path, flags }) =>
    flags.filter(takesValue).map((flag) => {
      const patterns = spellings(flag).map((word) => quoted(`${path} ${word}`))
      return `    ${patterns.join('|')}) words=${quoted((flag.argChoices ?? []).join(' '))} ;;`
    }),
  )
  const words = commands.map(({ path, verbs, flags, values }) => {
    const plain = [...verbs.map(({ word }) => word), ...values].join(' ')
    return `      ${quoted(path)}) flags=${quoted(flags.flatMap(spellings).join(' '))} words=${quoted(plain)} ;;`
  })
  return `_dar() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" verb=dar words='' flags='' i
  # The shell splits --flag=value into three words.
  [ "$cur" = = ] && cur=''
  [ "$prev" = = ] && prev="\${COMP_WORDS[COMP_CWORD-2]}"
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$verb \${COMP_WORDS[i]}" in
      ${paths.join('|')}) verb="$verb \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$verb $prev" in
${values.join('\n')}
    *) case "$verb" in
${words.join('\n')}
      esac
      case "$cur" in -*) words="$flags" ;; esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _dar dar
`
}

function fishScript(commands: readonly Completed[]): string {
  const lines = commands.flatMap(({ path, verbs, flags, values }) => {
    const [, ...names] = path.split(' ')
    // True at this command: its own verbs have been typed, and none of those below it.
    const seen = names.map((name) => `__fish_seen_subcommand_from ${name}`)
    const here = [
      ...seen,
      ...(verbs.length > 0 ? [`not __fish_seen_subcommand_from ${verbs.map(({ word }) => word).join(' ')}`] : []),
    ].join('; and ')
    const head = `complete -c dar -n ${quoted(here || 'true')}`
    const plain = [...verbs, ...values.map((word) => ({ word, text: '' }))]
    return [
      ...plain.map(({ word, text }) => `${head} -f -a ${word} -d ${quoted(text)}`),
      ...flags.map((flag) => {
        const { short, long, description, argChoices } = flag
        const names = `${short ? ` -s ${short.slice(1)}` : ''}${long ? ` -l ${long.slice(2)}` : ''}`
        const choices = argChoices ? ` -x -a ${quoted(argChoices.join(' '))}` : flag.required ? ' -r' : ''
        return `${head}${names} -d ${quoted(description)}${choices}`
      }),
    ]
  })
  return `${lines.join('\n')}\n`
}
