/**
 * The verbs of `dar`, in the order of its help: one file each, whose function adds a commander command to the program.
 * A verb parses its arguments, calls the room that does the work and prints; it throws a DarError for a user's mistake.
 */
import type { Command } from 'commander'
import { registerBench } from './bench.ts'
import { registerData } from './data.ts'
import { registerEval } from './eval.ts'
import { registerExport } from './export.ts'
import { registerInfo } from './info.ts'
import { registerInit } from './init.ts'
import { registerPredict } from './predict.ts'
import { registerTrace } from './trace.ts'
import { registerTrain } from './train.ts'

export type RegisterVerb = (program: Command) => void

export const verbs: readonly RegisterVerb[] = [
  registerPredict,
  registerTrain,
  registerInit,
  registerEval,
  registerData,
  registerInfo,
  registerExport,
  registerBench,
  registerTrace,
]
