// node summary.mjs VITEST.json EXIT_CODE: prints the closing line of the run, from vitest's JSON report. A step that failed
// outside the tests counts as one failure. Exits with 1 when no test passed: a run without tests shows nothing.
import { existsSync, readFileSync } from 'node:fs'

const [path, code] = process.argv.slice(2)
const none = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 }
const report = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : none
const passed = report.numPassedTests
const failed = Math.max(report.numFailedTests, code !== '0' || passed === 0 ? 1 : 0)
console.log(`${passed} passed, ${failed} failed, ${report.numPendingTests + report.numTodoTests} skipped`)
process.exitCode = passed > 0 ? 0 : 1
