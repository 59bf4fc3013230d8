// The names of the files that belong to a `.rec`.

/** `x.rec` → `x.idx`; a name without `.rec` gets the extension appended. */
export function siblingPath(path: string, extension: '.idx' | '.meta'): string {
  return path.replace(/\.rec$/i, '') + extension
}
