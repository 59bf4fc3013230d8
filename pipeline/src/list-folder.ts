// Makes list files from a folder of class folders: PREFIX.lst, or PREFIX_train.lst, PREFIX_val.lst and
// PREFIX_test.lst as im2rec.py names them; and PREFIX.classes.txt, the name of class i in line i + 1.

import { readClassFolders, type ClassFolderOptions, type IgnoredFiles } from './class-folders.js'
import { formatClassNames } from './class-names.js'
import type { PartName } from './draw-parts.js'
import { formatListLine } from './list-file.js'
import { splitClasses, type SplitOptions } from './list-split.js'
import { writeWholeFile } from './whole-file.js'

export interface ListFolderOptions extends ClassFolderOptions, SplitOptions {}

export interface ListFolderReport {
  readonly lists: readonly { readonly part: PartName; readonly path: string; readonly images: number }[]
  readonly classesPath: string
  readonly classes: readonly { readonly name: string; readonly images: number }[]
  readonly ignored: IgnoredFiles
  readonly unknownFolders: readonly string[]
  readonly rejected: readonly { readonly path: string; readonly reason: string }[]
}

/**
 * Writes the lists of `folder`; paths in them are relative to it. The same folder, options and seed
 * give the same bytes.
 *
 * @throws PipelineError as readClassFolders, splitClasses and writeWholeFile; PIPE_CLASS_NAME for a
 *   folder whose name no line can hold
 */
export async function listFolder(folder: string, prefix: string, options: ListFolderOptions = {}): Promise<ListFolderReport> {
  const { classes, ...found } = await readClassFolders(folder, options)
  const classesPath = `${prefix}.classes.txt`
  const names = formatClassNames(classes.map(({ name }) => name))
  const parts = splitClasses(classes, options)
  const lists = []
  for (const [part, entries] of parts) {
    const path = parts.size === 1 ? `${prefix}.lst` : `${prefix}_${part}.lst`
    await writeWholeFile(path, linesOf(entries), options.signal)
    lists.push({ part, path, images: entries.length })
  }
  await writeWholeFile(classesPath, [names], options.signal)
  return { ...found, lists, classesPath, classes: classes.map(({ name, images }) => ({ name, images: images.length })) }
}

function* linesOf(entries: Iterable<Parameters<typeof formatListLine>[0]>): Generator<string> {
  for (const entry of entries) yield formatListLine(entry)
}
