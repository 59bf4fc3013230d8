// A class names file: the name of class i in line i + 1.

import { readFile } from 'node:fs/promises'
import { PipelineError } from './errors.js'

/**
 * The text of a class names file.
 * @throws PipelineError PIPE_CLASS_NAME for a name with a line end, or that is empty
 */
export function formatClassNames(names: readonly string[]): string {
  for (const name of names) {
    if (/[\n\r\ufffd]/.test(name) || name.trim() === '') throw new PipelineError('PIPE_CLASS_NAME', `expected a class name of one line in UTF-8, found ${JSON.stringify(name)}; rename the class`)
  }
  return names.map((name) => `${name}\n`).join('')
}

/** @throws PipelineError PIPE_SOURCE_MISSING, and what `parseClassNames` throws */
export async function readClassNames(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new PipelineError('PIPE_SOURCE_MISSING', `${path}: expected a class names file, found nothing that can be read (${cause.code}); check the path`, { path, cause })
  })
  return parseClassNames(text, path)
}

/**
 * The names in a class names file; CR before LF and empty lines at the end do not count.
 * @throws PipelineError PIPE_CLASS_NAME for a name that stands twice, or an empty line between names
 */
export function parseClassNames(text: string, path: string): string[] {
  const names = text.replace(/^\ufeff/, '').trimEnd().split('\n').map((line) => line.replace(/\r$/, ''))
  const lines = new Map<string, number>()
  for (const [index, name] of names.entries()) {
    const first = lines.get(name)
    if (name.trim() !== '' && first === undefined) lines.set(name, index + 1)
    else throw new PipelineError('PIPE_CLASS_NAME', `${path}: line ${index + 1}: expected a class name, ${first === undefined ? 'found none' : `found ${JSON.stringify(name)} again, as in line ${first}`}; correct the line`, { path, entry: index + 1 })
  }
  return names
}
