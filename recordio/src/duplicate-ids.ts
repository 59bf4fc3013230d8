// Finds records with the same id: 16 bytes a record in the table, 8 more while it is sorted.

import { orderByKey } from './id-order.js'
import { IndexTable } from './record-index.js'

/** Two records with one id: their places in the order in which they were added. */
export interface DuplicateId {
  readonly id: bigint
  readonly first: number
  readonly second: number
}

/** @returns how many records have the id of one before them, and the first `limit` such pairs by id */
export function findDuplicateIds(table: IndexTable, limit: number): { count: number; pairs: DuplicateId[] } {
  const order = orderByKey(table.ids())
  const pairs: DuplicateId[] = []
  let count = 0
  for (let position = 1; position < table.count; position++) {
    const [first, second] = order ? [order[position - 1]!, order[position]!] : [position - 1, position]
    if (table.id(first) !== table.id(second)) continue
    if (count++ < limit) pairs.push({ id: table.id(first), first, second })
  }
  return { count, pairs }
}
