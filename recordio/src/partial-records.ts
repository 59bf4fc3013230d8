// The three files of a record file while they are not yet in place (partial-file.ts): gives them their
// names, or removes them; also after the writer that made them has died.

import { access, rename, rm } from 'node:fs/promises'
import { fileError } from './errors.js'
import { partialPath, syncFolder } from './partial-file.js'
import { siblingPath } from './sibling-path.js'

/**
 * Gives the finished files of the writer with this token their names, or those of `finalPath`: removes an
 * old .meta and .idx, renames the .rec, the .idx, last the .meta. It can be repeated after a crash at any
 * point: what is in place already stays.
 *
 * @throws RecordError REC_FILE
 */
export async function publishRecords(path: string, token: string, finalPath: string = path): Promise<void> {
  const from = filesOf(path).map((each) => partialPath(each, token))
  const to = filesOf(finalPath)
  if (await exists(from[0]!)) {
    for (const sibling of to.slice(1)) await attempt(sibling, 'replace it', () => rm(sibling, { force: true }))
  }
  for (const [index, target] of to.entries()) {
    const source = from[index]!
    if (await exists(source)) await attempt(target, 'rename it into place', () => rename(source, target))
  }
  await syncFolder(finalPath)
}

/** Removes what a writer with this token has left. Never fails. */
export async function discardRecords(path: string, token: string): Promise<void> {
  for (const each of filesOf(path)) await rm(partialPath(each, token), { force: true }).catch(() => {})
}

function filesOf(path: string): readonly string[] {
  return [path, siblingPath(path, '.idx'), siblingPath(path, '.meta')]
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(() => true, () => false)
}

async function attempt(path: string, action: string, work: () => Promise<void>): Promise<void> {
  await work().catch((cause: unknown) => {
    throw fileError(path, action, cause)
  })
}
