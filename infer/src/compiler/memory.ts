// One piece of memory for all buffers: a buffer's place is taken again once the last operation that reads it
// has run. The largest buffers are placed first, each at the lowest offset where it meets no other of its
// time (greedy by size; Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020).

export interface Lifetime {
  readonly name: string
  readonly bytes: number
  /** Steps during which it is in use, both included. */
  readonly first: number
  readonly last: number
}

const alignment = 64
/** After the last buffer: a slice that begins within a vector is read in whole vectors to its end, and past it. */
const slackBytes = 64

/** Where everything lies. */
export interface ArenaPlan {
  readonly offsets: ReadonlyMap<string, number>
  readonly bytes: number
  /** Buffers whose memory others use at other times. */
  readonly shared: ReadonlySet<string>
}

/** The offset of each buffer, and how many bytes all of them take. */
export function placeBuffers(lifetimes: readonly Lifetime[]): ArenaPlan {
  const placed: (Lifetime & { readonly offset: number })[] = []
  for (const lifetime of [...lifetimes].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    let offset = 0
    for (const other of placed) { // in the order of their offsets
      const isInTheWay = lifetime.first <= other.last && other.first <= lifetime.last && offset < other.offset + other.bytes && other.offset < offset + lifetime.bytes
      if (isInTheWay) offset = Math.ceil((other.offset + other.bytes) / alignment) * alignment
    }
    placed.push({ ...lifetime, offset })
    placed.sort((a, b) => a.offset - b.offset)
  }
  const bytes = placed.reduce((end, { offset, bytes: size }) => Math.max(end, offset + size), 0)
  const meetsAnother = ({ name, offset, bytes: size }: (typeof placed)[number]): boolean => placed.some((other) => other.name !== name && offset < other.offset + other.bytes && other.offset < offset + size)
  const shared = new Set(placed.filter(meetsAnother).map(({ name }) => name))
  return { offsets: new Map(placed.map(({ name, offset }) => [name, offset])), bytes: Math.ceil(bytes / alignment) * alignment + slackBytes, shared }
}
