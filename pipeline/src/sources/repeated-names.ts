// Names that come more than once, found in two passes: the first takes down 53 bits of each name, 8 bytes in
// memory; after it, only the names whose bits came twice need remembering.

import { NumberColumn } from './number-column.js'

/** The first pass. */
export class RepeatScan {
  readonly #hashes = new NumberColumn('f64')

  add(name: string): void {
    this.#hashes.push(hash(name))
  }

  /**
   * After the last name: makes a function for one pass more over the same names in the same order. It tells
   * the line where a name came first, if it came before.
   */
  finish(): () => (name: string, line: number) => number | undefined {
    const repeated = repeatedIn(Float64Array.from({ length: this.#hashes.length }, (_, place) => this.#hashes.at(place)).sort())
    return () => {
      const firstLines = new Map<string, number>()
      return (name, line) => {
        if (repeated.size === 0 || !repeated.has(hash(name))) return undefined
        const first = firstLines.get(name)
        if (first === undefined) firstLines.set(name, line)
        return first
      }
    }
  }
}

function repeatedIn(sorted: Float64Array): ReadonlySet<number> {
  const repeated = new Set<number>()
  for (let place = 1; place < sorted.length; place++) {
    if (sorted[place] === sorted[place - 1]) repeated.add(sorted[place]!)
  }
  return repeated
}

/** FNV-1a, and 21 bits of a second hash of its kind: two names that meet in it only cost memory. */
function hash(name: string): number {
  let first = 0x811c9dc5
  let second = 0x9e3779b9
  for (let place = 0; place < name.length; place++) {
    const unit = name.charCodeAt(place)
    first = Math.imul(first ^ unit, 0x01000193)
    second = Math.imul(((second << 13) | (second >>> 19)) ^ unit, 0x85ebca6b)
  }
  return (first >>> 0) * 2 ** 21 + (second >>> 11)
}
