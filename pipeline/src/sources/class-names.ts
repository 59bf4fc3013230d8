// Class names and numbers: from a file with a name a line, or from the names that a data set holds.

import { readFile, stat } from 'node:fs/promises'
import { PipelineError } from '../errors.js'
import { compareNames } from '../providers/image-name.js'
import { unreadableSource } from '../providers/image-provider.js'

/** ImageNet-22k has 21,841; more mean that the column of names is not one of classes. */
export const maxClasses = 1_000_000
const maxFileBytes = 2 ** 26

/** Names to numbers. */
export class ClassNames {
  readonly names: readonly string[]
  readonly #numbers: ReadonlyMap<string, number>

  constructor(names: readonly string[]) {
    this.names = names
    this.#numbers = new Map(names.map((name, number) => [name, number]))
  }

  /** Sorted by code point, numbered from 0. */
  static sorted(names: Iterable<string>): ClassNames {
    return new ClassNames([...names].sort(compareNames))
  }

  numberOf(name: string): number | undefined {
    return this.#numbers.get(name)
  }
}

/**
 * Reads a file of class names, one a line in UTF-8; blanks around a name do not count, nor do empty
 * lines at the end.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_LABEL for an empty line within, a name that comes twice, none at all
 */
export async function readClassNames(path: string): Promise<ClassNames> {
  const text = await readText(path)
  const names = text.replace(/^\ufeff/, '').trimEnd().split('\n').map((line) => line.trim())
  const seen = new Set<string>()
  for (const [index, name] of names.entries()) {
    if (name === '') throw wrong(path, index + 1, 'an empty line')
    if (seen.has(name)) throw wrong(path, index + 1, `${JSON.stringify(name)} for the second time`)
    seen.add(name)
  }
  return new ClassNames(names)
}

async function readText(path: string): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size <= maxFileBytes) return await readFile(path, 'utf8')
  } catch (cause) {
    throw unreadableSource(path, cause)
  }
  throw new PipelineError('PIPE_LABEL', `${path}: expected class names of at most ${maxFileBytes} bytes, found more; check the path`, { path })
}

function wrong(path: string, line: number, found: string): PipelineError {
  return new PipelineError('PIPE_LABEL', `${path}: line ${line}: expected a class name a line, found ${found}; correct the file`, { path, entry: line })
}
