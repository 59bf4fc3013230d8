// Names that come more than once, found in two passes: the first takes down a digest of each name, 8 bytes;
// after it, only the names whose digest came twice need remembering.

import { drawDigest } from '../draw-parts.js'
import { DigestList } from './digest-list.js'

/** The first pass. */
export class RepeatScan {
  readonly #digests = new DigestList()

  add(name: string): void {
    this.#digests.add(drawDigest(0, name))
  }

  /**
   * After the last name: makes a function for one pass more over the same names in the same order. It tells
   * the line where a name came first, if it came before.
   */
  finish(): () => (name: string, line: number) => number | undefined {
    const repeated = this.#digests.repeated()
    return () => {
      const firstLines = new Map<string, number>()
      return (name, line) => {
        if (repeated.size === 0 || !repeated.has(drawDigest(0, name))) return undefined
        const first = firstLines.get(name)
        if (first === undefined) firstLines.set(name, line)
        return first
      }
    }
  }
}
