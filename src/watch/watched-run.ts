/** A run's folder as it is now: its log read as far as it goes, and whether a process works there. */
import { existsSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { DarError } from '../support/errors.ts'
import { isFolderLocked } from '../support/folder-lock.ts'
import type { PictureIndex } from '../train/pictures.ts'
import { gallery, type Source } from './gallery.ts'
import { LogTail } from './log-tail.ts'
import type { Section } from './page.ts'
import { config, heading, healthCharts, notes, trainingCharts, validationCharts, validationTable } from './panels.ts'
import { RunView } from './run-view.ts'

/** Reads a run's folder whenever it is asked, what is new only. */
export class WatchedRun {
  private readonly tail: LogTail
  private view = new RunView()
  private writtenAt = 0
  /** Which log this is: another one begins anew. */
  private generation = 0

  constructor(readonly folder: string) {
    this.tail = new LogTail(folder)
  }

  /** The run's name and the folder's. */
  get title(): string {
    const name = basename(resolve(this.folder))
    const recipe = this.view.start?.recipe?.name
    return recipe === undefined || recipe === name ? name : `${recipe} in ${name}`
  }

  /** Changes with every event. */
  get version(): string {
    return `${this.generation}.${this.view.count}`
  }

  /** Reads what was written since the last time. Throws a DarError when the log cannot be read. */
  refresh(): void {
    const news = this.tail.read()
    if (news === null) return
    if (news.isNew) {
      this.generation++
      this.view = new RunView()
    }
    this.writtenAt = news.writtenAt
    for (const event of news.events) this.view.see(event)
  }

  /** How far it is: the one section that changes without an event, too. */
  heading(): string {
    const silence = (Date.now() - this.writtenAt) / 1000
    return heading(this.view, { title: this.title, isAlive: isFolderLocked(this.folder), silence })
  }

  /** Everything, in the order of the page; `pictures` are those of the folder that are shown. */
  sections(pictures: readonly PictureIndex[], source: Source): readonly Section[] {
    const { view } = this
    return [
      { id: 'head', title: '', html: this.heading() },
      { id: 'training', title: 'Training', html: trainingCharts(view) },
      { id: 'validation', title: 'Held-out images', html: validationCharts(view) + validationTable(view) },
      { id: 'pictures', title: 'Pictures', html: gallery(pictures, source) },
      { id: 'health', title: 'Inside the network', html: healthCharts(view) },
      { id: 'notes', title: 'Notes', html: notes(view) },
      { id: 'recipe', title: 'Recipe', html: config(view), folded: true },
    ]
  }
}

/** @throws DarError for a folder that is not there or has no log. */
export function checkRunFolder(folder: string): void {
  const missing = (text: string) => new DarError(text, { kind: 'missing' })
  if (!existsSync(folder))
    throw missing(`there is no folder ${folder}; name the folder of a run: runs/<recipe>, or its --out`)
  if (!existsSync(resolve(folder, 'log.jsonl')))
    throw missing(
      `${folder} has no log.jsonl, so no run has written there; name the folder of a run, which dar train --out says`,
    )
}
