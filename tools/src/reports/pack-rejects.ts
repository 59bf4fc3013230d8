// Why inputs were left out when records were packed: the .meta tells how many there were, the
// .rejects.jsonl beside the records why ({ key, id, code, reason } a line).

import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Rejection } from './data-statistics.js'

/** So many different codes; no program has more. */
const maxCodes = 1000

export class PackRejects {
  #counted = 0
  #listed = 0
  readonly #lists = new Set<string>()
  readonly #reasons = new Map<string, { code: string; count: number; example: string }>()

  /** As the .meta files tell; as listed, where more are listed or there is no .meta. */
  get count(): number {
    return Math.max(this.#counted, this.#listed)
  }

  /** Adds those of one .rec; shards share the list of the whole. A list that is not there says nothing. */
  async read(recordPath: string, counted: number): Promise<void> {
    this.#counted += counted
    const list = `${recordPath.replace(/(-\d+-of-\d+)?\.rec$/i, '')}.rejects.jsonl`
    if (this.#lists.has(list)) return
    this.#lists.add(list)
    await this.#readList(list)
  }

  reasons(): Rejection[] {
    return [...this.#reasons.values()].sort((a, b) => b.count - a.count)
  }

  async #readList(path: string): Promise<void> {
    const stream = createReadStream(path, 'utf8')
    try {
      for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
        if (line === '') continue
        const { code, reason, placeholder } = parseLine(line)
        if (placeholder === true) continue // a record stands for it
        this.#listed++
        const found = this.#reasons.get(code)
        if (found) found.count++
        else if (this.#reasons.size < maxCodes) this.#reasons.set(code, { code, count: 1, example: reason })
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}

function parseLine(line: string): { readonly code: string; readonly reason: string; readonly placeholder?: unknown } {
  try {
    const { code, reason, placeholder } = JSON.parse(line) as Record<string, unknown>
    return { code: `${code as string}`, reason: `${reason as string}`, placeholder }
  } catch {
    return { code: 'unknown', reason: line.slice(0, 200) }
  }
}
