// A version 1 B-tree: the index of an old-style group and of a chunked dataset.
// HDF5 File Format Specification 3.0, III.A.1.
//
//   4  "TREE"
//   1  kind: 0 group, 1 chunks
//   1  level: 0 = its children are the things themselves
//   2  number of children
//   8  left sibling
//   8  right sibling
//   …  key, child address, key, child address … key

import type { Cursor } from './cursor.js'
import type { FileBytes } from './file-bytes.js'

const headBytes = 24

export interface TreeEntry {
  readonly key: Cursor
  /** Address of a symbol table node or of a chunk. */
  readonly child: number
}

/**
 * Every leaf entry, in order of the keys.
 * @throws PipelineError PIPE_HDF5_DAMAGED, also where the tree leads back into itself
 */
export function* readTree(file: FileBytes, address: number, kind: 0 | 1, keyBytes: number): Generator<TreeEntry> {
  yield* readNode(file, address, { kind, keyBytes, visited: new Set(), level: undefined })
}

interface Walk {
  readonly kind: 0 | 1
  readonly keyBytes: number
  readonly visited: Set<number>
  /** The level this node must have; undefined at the root. */
  readonly level: number | undefined
}

function* readNode(file: FileBytes, address: number, walk: Walk): Generator<TreeEntry> {
  if (walk.visited.has(address)) throw file.damaged(address, 'each B-tree node once', 'a node that is reached twice')
  walk.visited.add(address)
  const head = file.cursor(address, headBytes, 'B-tree node')
  head.signature('TREE')
  const kind = head.u8()
  const level = head.u8()
  const count = head.u16()
  if (kind !== walk.kind) throw file.damaged(address, `a B-tree of kind ${walk.kind}`, `kind ${kind}`)
  if (walk.level !== undefined && level !== walk.level) throw file.damaged(address, `a B-tree node of level ${walk.level}`, `level ${level}`)
  const entries = file.cursor(address + headBytes, count * (walk.keyBytes + 8), 'B-tree node')
  for (let index = 0; index < count; index++) {
    const key = entries.part(walk.keyBytes, 'B-tree key')
    const child = entries.definedAddress()
    if (level > 0) yield* readNode(file, child, { ...walk, level: level - 1 })
    else yield { key, child }
  }
}
