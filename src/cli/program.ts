/** The `dar` program without its verbs: name, version, help, and how commander's own complaints read. */
import { Command } from 'commander'
import { cut, printable } from '../support/printable.ts'
import { EXIT_BUG, EXIT_CODES } from './run.ts'
import type { RegisterVerb } from './verbs.ts'

const EXAMPLES = `
Examples:
  $ dar predict photo.jpg                   depth of one photo: colour map, 16-bit PNG in millimetres, .npy in metres
  $ dar predict photos/ --out depth         a folder with all below it, into another
  $ dar predict photo.jpg --ply --glb       points and a surface as well
  $ dar predict photo.jpg --steps           the coarse-to-fine maps and the uncertainty as well
  $ dar video walk.mp4                      the depth of a video, as a video
  $ dar train tiny                          run a recipe: one of the package's, or a .js file of yours
  $ dar finetune photos/ --from dar-nano    teach a model your camera, from 50 photos with depth
  $ dar eval --data rooms                   how good a model is, under a named protocol
  $ dar data inspect nyu/ --sheet nyu.png   what a data set holds, what looks wrong with it, and a contact sheet
  $ dar help predict                        every option of a command

A recipe is a program: dar train runs its code with your rights.

Exit codes:
  0    done
  1    a wrong value, option or file, or some of many images failed
  ${EXIT_CODES.model}   a model file cannot be used
  ${EXIT_CODES.missing}   what was named is not there
  ${EXIT_CODES.gone}   a process that was needed ended
  ${EXIT_BUG}   a bug in dar
  ${EXIT_CODES.memory}   there was too little memory
  ${EXIT_CODES.output}   a result cannot be written
  ${EXIT_CODES.network}   a download failed; try again
  130  interrupted (128 + the number of the signal)`

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
    .configureOutput({ outputError: (text, write) => write(cut(printable(text)).replace(/^error: /, 'dar: ')) })
    .exitOverride()
  // Subcommands inherit these settings only when they are made by `program.command`, as verbs do.
  for (const register of verbs) register(program)
  return program
}
