// The name of an image inside a folder or an archive: forward slashes, relative, and never leaving it.
// One rule for what annotations write and for what archives hold, so that the two meet.

import { PipelineError } from '../errors.js'

/** PATH_MAX of Linux; an archive can hold names of megabytes, no data set does. */
const maxNameLength = 4096
/** A step that is empty or has only one dot or two. */
const idleStep = /(?:^|\/)\.{0,2}(?:\/|$)/

/**
 * The name without `.` and empty steps ("./train//1.png" is "train/1.png"); undefined for a name that
 * is absolute, climbs with `..`, has a backslash, a drive or a NUL, is too long or names nothing.
 */
export function plainName(name: string): string | undefined {
  if (name.length > maxNameLength || name.startsWith('/') || /[\\\0]|^[a-z]:/i.test(name)) return undefined
  if (!idleStep.test(name)) return name
  const steps = name.split('/').filter((step) => step !== '' && step !== '.')
  return steps.length === 0 || steps.includes('..') ? undefined : steps.join('/')
}

/**
 * The name that an annotation gives, under the folder `root` of the images. `from` says who names it.
 * @throws PipelineError PIPE_NAME_OUTSIDE
 */
export function annotatedName(name: string, root: string, from: string): string {
  const plain = plainName(name)
  if (plain !== undefined) return root === '' ? plain : `${root}/${plain}`
  const shown = JSON.stringify(name.slice(0, 200))
  throw new PipelineError('PIPE_NAME_OUTSIDE', `${from}: expected the name of an image within the data set, found ${shown}; names are relative, with forward slashes, and do not leave the folder: correct the annotation`, { path: name })
}

/** Whether a step of the name begins with a dot, or is the folder that macOS adds to its zip files. */
export function isHidden(name: string): boolean {
  return name.split('/').some((step) => /^\.(?!\.?$)|^__MACOSX$/.test(step))
}

/**
 * The order of names in a data set: folder by folder, each folder's entries by code point (Python's
 * order, and that of `sort` under LC_ALL=C).
 */
export function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)]
    if (left !== right) return rank(left) - rank(right)
  }
  return a.length - b.length
}

/** A step's end comes before any letter; halves of letters outside the first plane after all of it. */
function rank(unit: number): number {
  if (unit === 0x2f) return -1
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}
