/**
 * Vitest runs this before each file of tests, also where several files share a process. Hooks run last registered first, so this one
 * runs after the file's own, which may still hold files open.
 */
import { afterAll } from 'vitest'
import { removeFolders } from './temporary-folder.ts'

afterAll(removeFolders, 60_000)
