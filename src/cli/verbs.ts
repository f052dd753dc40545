/**
 * The verbs of `dar`, in the order of its help: one file each, whose function adds a commander command to the program.
 * A verb parses its arguments, calls the room that does the work and prints; it throws a DarError for a user's mistake.
 */
import type { Command } from 'commander'
import { registerBench } from './bench.ts'
import { registerInfo } from './info.ts'
import { registerPredict } from './predict.ts'
import { registerTrain } from './train.ts'

export type RegisterVerb = (program: Command) => void

export const verbs: readonly RegisterVerb[] = [registerPredict, registerTrain, registerInfo, registerBench]
