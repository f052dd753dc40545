/** The WATCH room: a training run looked at while it goes on and afterwards. A local page, a report, TensorBoard's event files. */
export { reportPath, writeReport } from './report.ts'
export { DEFAULT_PORT, serveRun, type WatchServer } from './server.ts'
export { TensorBoardFile } from './tensorboard.ts'
export { checkRunFolder } from './watched-run.ts'
