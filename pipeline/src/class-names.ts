// Class names and numbers. In a class names file the name of class i stands in line i + 1, in UTF-8; a CR
// before the line's end does not count, nor do empty lines at the end of the file. Without such a file, the
// names that a data set holds are numbered in the order of their code points.

import { readFile, stat } from 'node:fs/promises'
import { PipelineError } from './errors.js'
import { compareNames } from './providers/image-name.js'
import { unreadableSource } from './providers/image-provider.js'

/** ImageNet-22k has 21,841; more mean that what was taken for classes is none. */
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

  /** Those of a file. @throws PipelineError as `readClassNames` */
  static async read(path: string): Promise<ClassNames> {
    return new ClassNames(await readClassNames(path))
  }

  numberOf(name: string): number | undefined {
    return this.#numbers.get(name)
  }
}

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
  return parseClassNames(await readBytes(path), path)
}

/**
 * The names in a class names file.
 * @throws PipelineError PIPE_CLASS_NAME for a name that stands twice, an empty line between names, no name
 *   at all, or bytes that are no UTF-8
 */
export function parseClassNames(file: string | Uint8Array, path: string): string[] {
  const text = typeof file === 'string' ? file : new TextDecoder().decode(file)
  const names = text.replace(/^\ufeff/, '').trimEnd().split('\n').map((line) => line.replace(/\r$/, ''))
  const lines = new Map<string, number>()
  for (const [index, name] of names.entries()) {
    const first = lines.get(name)
    const isRight = name.trim() !== '' && first === undefined && !name.includes('\ufffd')
    if (isRight) lines.set(name, index + 1)
    else throw wrong(path, index + 1, name.trim() === '' ? 'none' : first === undefined ? `bytes that are no UTF-8 in ${JSON.stringify(name)}` : `${JSON.stringify(name)} again, as in line ${first}`)
  }
  return names
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path)
    if (size <= maxFileBytes) return await readFile(path)
  } catch (cause) {
    throw unreadableSource(path, cause)
  }
  throw new PipelineError('PIPE_CLASS_NAME', `${path}: expected class names of at most ${maxFileBytes} bytes, found more; check the path`, { path })
}

function wrong(path: string, line: number, found: string): PipelineError {
  return new PipelineError('PIPE_CLASS_NAME', `${path}: line ${line}: expected a class name, found ${found}; correct the line`, { path, entry: line })
}
