// The three files of a record file while they are not yet in place (partial-file.ts): gives them their
// names, or removes them; also after the writer that made them has died. A folder renames one file at a
// time, so the order matters:
//
//   1  x.meta, x.idx → .x.meta.previous-TOKEN, …    the old .rec stands alone: legal, and readable
//   2  .x.rec.partial-TOKEN → x.rec                 from here on it is the new one
//   3  .x.idx.partial-TOKEN, … → x.idx, x.meta
//   4  the previous ones are removed
//
// A failure up to 2 is undone. After a failure from 3 on, or a crash, `publishRecords` can be repeated;
// where nobody knows the token, `rebuildIndex` finds the .meta that belongs to the .rec. No .meta is
// removed before another is in place: class names and pack options stand nowhere else.

import { access, lstat, rename, rm } from 'node:fs/promises'
import { fileError } from './errors.js'
import { partialPath, previousPath, syncFolder } from './partial-file.js'
import { siblingPath } from './sibling-path.js'

/**
 * Gives the finished files of the writer with this token their names, or those of `finalPath`, in place of
 * older ones. It can be repeated after a failure or a crash at any point: what is in place already stays.
 *
 * @throws RecordError REC_FILE; then the old files are as they were, or, where its message says so, the
 *   new .rec is in place and only its siblings are not
 */
export async function publishRecords(path: string, token: string, finalPath: string = path): Promise<void> {
  if (await exists(partialPath(path, token))) await replaceRecords(path, token, finalPath)
  await publishSiblings(path, token, finalPath)
  await syncFolder(finalPath)
  for (const sibling of siblings(finalPath)) await rm(previousPath(sibling, token), { force: true }).catch(() => {})
}

/** Removes what a writer with this token has left. Never fails. */
export async function discardRecords(path: string, token: string): Promise<void> {
  for (const each of [...siblings(path), path]) await rm(partialPath(each, token), { force: true }).catch(() => {})
}

/**
 * For a writer whose publication has failed or died and is not to be repeated: the old files have their
 * names again, or, if the new .rec has its name already, its siblings get theirs. Nothing else is left.
 *
 * @throws RecordError REC_FILE
 */
export async function retractRecords(path: string, token: string, finalPath: string = path): Promise<void> {
  if (!(await exists(partialPath(path, token)))) return publishRecords(path, token, finalPath)
  await restorePrevious(token, finalPath)
  await discardRecords(path, token)
}

/** Whether the .rec of the writer with this token has no name of its own yet. */
export function isUnpublished(path: string, token: string): Promise<boolean> {
  return exists(partialPath(path, token))
}

async function replaceRecords(path: string, token: string, finalPath: string): Promise<void> {
  try {
    for (const sibling of siblings(finalPath)) {
      if (await exists(sibling)) await attempt(sibling, 'replace it', () => stepAside(sibling, token))
    }
    await syncFolder(finalPath)
    await attempt(finalPath, 'rename it into place', () => rename(partialPath(path, token), finalPath))
  } catch (error) {
    await restorePrevious(token, finalPath).catch(() => {}) // the first error tells what is wrong
    throw error
  }
}

async function stepAside(sibling: string, token: string): Promise<void> {
  if ((await lstat(sibling)).isDirectory()) throw new Error('found a folder')
  await rename(sibling, previousPath(sibling, token))
}

async function publishSiblings(path: string, token: string, finalPath: string): Promise<void> {
  const targets = siblings(finalPath)
  for (const [index, sibling] of siblings(path).entries()) {
    const source = partialPath(sibling, token)
    if (!(await exists(source))) continue
    await attempt(targets[index]!, `rename it into place (the new ${finalPath} is; "millrace index" finishes it)`, () => rename(source, targets[index]!))
  }
}

async function restorePrevious(token: string, finalPath: string): Promise<void> {
  for (const sibling of siblings(finalPath)) {
    const previous = previousPath(sibling, token)
    if (await exists(previous)) await attempt(sibling, 'put it back', () => rename(previous, sibling))
  }
}

/** The .meta first: it is what cannot be made anew from the .rec. */
function siblings(path: string): readonly string[] {
  return [siblingPath(path, '.meta'), siblingPath(path, '.idx')]
}

/** @throws RecordError REC_FILE where the system cannot tell */
async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) return false
    throw fileError(path, 'look for it', cause)
  }
}

async function attempt(path: string, action: string, work: () => Promise<void>): Promise<void> {
  await work().catch((cause: unknown) => {
    throw fileError(path, action, cause)
  })
}
