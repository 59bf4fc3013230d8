// Finding a record by id when records are not stored in the order of their ids: a permutation that
// lists the ordinals by (id, ordinal), and a binary search through it.

/** 64-bit ids as two columns of 32-bit halves: 8 bytes an id, and no bigint for each. */
export interface IdColumns {
  readonly low: Uint32Array
  readonly high: Uint32Array
}

/** The ordinals 0 … n-1 by ascending id, equal ids in file order; `undefined` if they are so already. */
export function orderByKey({ low, high }: IdColumns): Uint32Array | undefined {
  if (isAscending(low, high)) return undefined
  // Radix sort, 16 bits a pass from the lowest: stable, linear, 16 bytes a record in all. Passes in
  // which every digit is the same are left out, so ids below 2^32 take two.
  let order = Uint32Array.from(low.keys())
  let scratch = new Uint32Array(low.length)
  for (const digits of [low, high]) {
    for (const shift of [0, 16]) {
      if (sortPass(order, scratch, digits, shift)) [order, scratch] = [scratch, order]
    }
  }
  return order
}

/**
 * The last position whose id is `id` among `count` ascending ids, -1 if there is none. The last,
 * because of records with the same id MXNet's MXIndexedRecordIO returns the one written last.
 */
export async function findLast(count: number, idAt: (position: number) => Promise<bigint>, id: bigint): Promise<number> {
  let begin = 0 // everything before is <= id
  let end = count // everything from here is > id
  while (begin < end) {
    const middle = Math.floor((begin + end) / 2)
    if ((await idAt(middle)) <= id) begin = middle + 1
    else end = middle
  }
  return begin > 0 && (await idAt(begin - 1)) === id ? begin - 1 : -1
}

function isAscending(low: Uint32Array, high: Uint32Array): boolean {
  for (let i = 1; i < low.length; i++) {
    if (high[i]! < high[i - 1]! || (high[i] === high[i - 1] && low[i]! < low[i - 1]!)) return false
  }
  return true
}

/** One counting sort of `order` by a 16-bit digit into `target`; false if all digits are the same. */
function sortPass(order: Uint32Array, target: Uint32Array, digits: Uint32Array, shift: number): boolean {
  const starts = new Uint32Array(2 ** 16)
  for (const word of digits) starts[(word >>> shift) & 0xffff]!++
  if (starts[(digits[0]! >>> shift) & 0xffff] === digits.length) return false
  let total = 0
  for (let digit = 0; digit < starts.length; digit++) {
    const count = starts[digit]!
    starts[digit] = total
    total += count
  }
  for (const ordinal of order) target[starts[(digits[ordinal]! >>> shift) & 0xffff]!++] = ordinal
  return true
}
