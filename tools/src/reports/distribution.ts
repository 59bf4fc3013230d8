// Numbers as they stream by: how they spread, in bounded memory. Bins are steps of a quarter octave
// (each edge 2^¼ times the one before), so that a few pixels and many thousands are told alike; there are
// about a hundred of them between 1 and 2^24. The median comes from 4,096 numbers drawn at random (all of
// them, where there are no more).

import { createRandom } from '../samples/random.js'

export interface Spread {
  readonly count: number
  readonly smallest: number
  readonly median: number
  readonly mean: number
  readonly largest: number
  /** Ascending, the empty ones between others too. */
  readonly bins: readonly Bin[]
}

/** Numbers from `from` to below `to`. */
export interface Bin {
  readonly from: number
  readonly to: number
  readonly count: number
}

const stepsAnOctave = 4
const keptNumbers = 4096

/** The bin of a number above 0. */
export function binOf(value: number): number {
  return Math.floor(stepsAnOctave * Math.log2(value) + 1e-9)
}

/** The lower edge of a bin. */
export function binEdge(bin: number): number {
  return 2 ** (bin / stepsAnOctave)
}

export class Distribution {
  #count = 0
  #sum = 0
  #smallest = Infinity
  #largest = -Infinity
  readonly #bins = new Map<number, number>()
  readonly #kept: number[] = []
  readonly #random = createRandom(42)

  /** Numbers that are not above 0 are left out. */
  add(value: number): void {
    if (!(value > 0 && value < Infinity)) return
    this.#count++
    this.#sum += value
    this.#smallest = Math.min(this.#smallest, value)
    this.#largest = Math.max(this.#largest, value)
    const bin = binOf(value)
    this.#bins.set(bin, (this.#bins.get(bin) ?? 0) + 1)
    const slot = this.#kept.length < keptNumbers ? this.#kept.length : Math.floor(this.#random() * this.#count)
    if (slot < keptNumbers) this.#kept[slot] = value
  }

  /** `undefined` where there was nothing. */
  result(): Spread | undefined {
    if (this.#count === 0) return undefined
    const kept = [...this.#kept].sort((a, b) => a - b)
    const middle = (kept.length - 1) / 2
    return {
      count: this.#count,
      smallest: this.#smallest,
      median: (kept[Math.floor(middle)]! + kept[Math.ceil(middle)]!) / 2,
      mean: this.#sum / this.#count,
      largest: this.#largest,
      bins: this.#binList(),
    }
  }

  #binList(): Bin[] {
    const [first, last] = [Math.min(...this.#bins.keys()), Math.max(...this.#bins.keys())]
    return Array.from({ length: last - first + 1 }, (_, index) => ({ from: binEdge(first + index), to: binEdge(first + index + 1), count: this.#bins.get(first + index) ?? 0 }))
  }
}

/** Pairs of numbers above 0 in bins both ways. */
export class Distribution2D {
  readonly #cells = new Map<string, { readonly x: number; readonly y: number; count: number }>()

  add(x: number, y: number): void {
    if (!(x > 0 && y > 0 && x < Infinity && y < Infinity)) return
    const place = { x: binOf(x), y: binOf(y) }
    const key = `${place.x},${place.y}`
    const cell = this.#cells.get(key) ?? { ...place, count: 0 }
    cell.count++
    this.#cells.set(key, cell)
  }

  /** Cells by their lower edges, those that hold something. */
  result(): Cell[] {
    return [...this.#cells.values()].sort((a, b) => a.x - b.x || a.y - b.y).map(({ x, y, count }) => ({ x: binEdge(x), y: binEdge(y), count }))
  }
}

export interface Cell {
  readonly x: number
  readonly y: number
  readonly count: number
}

/** How often each whole number came. */
export class Tally {
  readonly #counts = new Map<number, number>()

  add(number: number): void {
    this.#counts.set(number, this.countOf(number) + 1)
  }

  countOf(number: number): number {
    return this.#counts.get(number) ?? 0
  }

  get isEmpty(): boolean {
    return this.#counts.size === 0
  }

  /** The least and the greatest. */
  get ends(): readonly [number, number] {
    const numbers = [...this.#counts.keys()]
    return [Math.min(...numbers), Math.max(...numbers)]
  }

  /** By number, ascending. */
  result(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => a - b).map(([number, count]) => [`${number}`, count]))
  }
}
