/** The `dar` program without its verbs: name, version, help, and how commander's own complaints read. */
import { Command } from 'commander'
import type { RegisterVerb } from './verbs.ts'

const EXAMPLES = `
Examples:
  $ dar predict photo.jpg                   depth of one photo: colour map, 16-bit PNG in millimetres, .npy in metres
  $ dar predict *.jpg --out depth           many photos into one folder
  $ dar predict photo.jpg --steps           the coarse-to-fine maps and the uncertainty as well
  $ dar train recipes/dar-nano.ts           run a recipe
  $ dar eval --data rooms                   how good a model is, under a named protocol
  $ dar data inspect nyu/ --sheet nyu.png   what a data set holds, what looks wrong with it, and a contact sheet
  $ dar help predict                        every option of a command`

/** Builds the program; its `parseAsync` throws a CommanderError instead of leaving the process. */
export function createProgram(verbs: readonly RegisterVerb[], version: string): Command {
  const program = new Command('dar')
    .description('Metric depth from one photo: distances in metres along the viewing axis, for every pixel.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', EXAMPLES)
    .showSuggestionAfterError()
    // Verbs that are only listed know their arguments as a line of text (verbs.ts).
    .configureHelp({ subcommandTerm: (verb) => `${verb.name()} ${verb.usage()}` })
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'dar: ')) })
    .exitOverride()
  // Subcommands inherit these settings only when they are made by `program.command`, as verbs do.
  for (const register of verbs) register(program)
  return program
}
