// Writes the HDF5 that MATLAB writes for a struct array: superblock version 0 behind a 512-byte user
// block, groups of the old kind, and data in the object header or in one piece. (h5wasm writes no user
// block and no data in headers, and would take minutes over 100,000 small objects.) A child is written
// before its group, so that one pass is enough. All numbers are little-endian; addresses count from the
// end of the user block. HDF5 File Format Specification 3.0, sections II.A, III.A.1, III.B, III.D, III.E.
//
//   superblock, 96 bytes                             a group is four things
//    0  89 'HDF' 0d 0a 1a 0a, versions 0 0 0 0 0      object header   points to the first 'TREE' and the 'HEAP'
//   13  bytes of an offset 8, of a length 8, 0        'TREE' 0 level, count u16, both neighbours u64,
//   16  k of leaves u16, k of nodes u16, flags u32                    then key, child, key … child, key u64
//   24  base address u64 (512), free space (none)     'SNOD' 1 0 count u16, then up to 2k entries by name:
//   40  end of file u64, driver (none)                                name offset u64, header u64, 24 unused
//   56  root: 0 u64, header u64, 1 u64, TREE, HEAP    'HEAP' 0 u32, bytes u64, free 1 u64, address u64, names
//
//   'GCOL' 1 u32, bytes u64, then words: index u16, uses u16, 0 u32, bytes u64, text filled to 8; last: index 0

import { ByteWriter } from './byte-writer.js'
import { elementBytes, writeDatasetHeader, writeGroupHeader, writeValues, type Address, type Attribute, type DatasetHeader, type WordReference } from './hdf5-object.js'

const userBlockBytes = 512
const superblockBytes = 96
const leafSize = 8 // 2k entries in a symbol-table node
const nodeSize = 32 // 2k children in a B-tree node
const none = -1 // all ones: no such address
/** Data up to this size lies in the object header, where the format allows less than 64 KiB. */
const headerDataLimitBytes = 32768
/** The HDF5 library reads no smaller collection of words. */
const smallestCollectionBytes = 4096

interface Group {
  readonly header: Address
  readonly tree: Address
  readonly heap: Address
}

interface TreeChild {
  readonly address: Address
  /** The heap offset of the last name below it. */
  readonly lastName: number
}

/** A file being built in memory: children first, `finish` last. */
export class Hdf5Writer {
  private readonly bytes = new ByteWriter()

  constructor() {
    this.bytes.zeros(userBlockBytes + superblockBytes)
  }

  /** A data set of `shape`, its values in row order. */
  writeDataset(header: Omit<DatasetHeader, 'dataAddress'>): Address {
    let dataAddress: Address | undefined
    if (header.values.length * elementBytes[header.type] > headerDataLimitBytes) {
      dataAddress = this.address()
      writeValues(this.bytes, header.type, header.values)
      this.bytes.align()
    }
    const address = this.address()
    writeDatasetHeader(this.bytes, { ...header, dataAddress })
    return address
  }

  /** A group of `members` by name (ASCII). */
  writeGroup(members: ReadonlyMap<string, Address>, attributes: readonly Attribute[]): Address {
    return this.writeGroupParts(members, attributes).header
  }

  /** One collection of the global heap; the attributes of many objects may share its words. */
  writeWords(words: readonly string[]): WordReference[] {
    const collection = this.address()
    const used = 16 + words.reduce((sum, word) => sum + 16 + Math.ceil(word.length / 8) * 8, 0)
    const size = Math.max(smallestCollectionBytes, used + 16)
    this.bytes.text('GCOL')
    this.bytes.u32(1)
    this.bytes.u64(size)
    for (const [place, word] of words.entries()) {
      this.bytes.u16(place + 1)
      this.bytes.u16(1)
      this.bytes.u32(0)
      this.bytes.u64(word.length)
      this.bytes.text(word)
      this.bytes.align()
    }
    this.bytes.u64(0) // object 0 is the free space, this header included
    this.bytes.u64(size - used)
    this.bytes.zeros(size - used - 16)
    return words.map((word, place) => ({ length: word.length, collection, index: place + 1 }))
  }

  /** Writes the root group, `userBlock` and the superblock; returns the whole file. */
  finish(userBlock: Uint8Array, members: ReadonlyMap<string, Address>): Uint8Array {
    const root = this.writeGroupParts(members, [])
    const endOfFile = this.bytes.length
    this.bytes.patch(0, () => {
      this.bytes.raw(userBlock)
      this.bytes.zeros(userBlockBytes - userBlock.length)
      this.bytes.text('\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08\0')
      this.bytes.u16(leafSize / 2)
      this.bytes.u16(nodeSize / 2)
      this.bytes.u32(0)
      for (const value of [userBlockBytes, none, endOfFile, none, 0, root.header, 1, root.tree, root.heap]) this.bytes.u64(value)
    })
    return this.bytes.bytes()
  }

  private address(): Address {
    return this.bytes.length - userBlockBytes
  }

  private writeGroupParts(members: ReadonlyMap<string, Address>, attributes: readonly Attribute[]): Group {
    const names = [...members.keys()].sort((one, other) => (one < other ? -1 : 1)) // as strcmp does
    const heap = this.address()
    const nameOffsets = this.writeNames(names)
    let children = this.writeLeaves(names.map((name, place) => ({ name: nameOffsets[place]!, header: members.get(name)! })))
    for (let level = 0; level === 0 || children.length > 1; level++) children = this.writeLevel(level, children)
    const tree = children[0]!.address
    const header = this.address()
    writeGroupHeader(this.bytes, tree, heap, attributes)
    return { header, tree, heap }
  }

  /** The local heap; returns where in it each name lies. */
  private writeNames(names: readonly string[]): number[] {
    const start = this.bytes.length
    const data = start + 32
    this.bytes.zeros(32 + 8) // the heap's header, then the empty name at offset 0
    const offsets = names.map((name) => {
      const offset = this.bytes.length - data
      this.bytes.text(`${name}\0`)
      this.bytes.align()
      return offset
    })
    const dataBytes = this.bytes.length - data
    this.bytes.patch(start, () => {
      this.bytes.text('HEAP')
      this.bytes.u32(0)
      this.bytes.u64(dataBytes)
      this.bytes.u64(1) // no free space
      this.bytes.u64(data - userBlockBytes)
    })
    return offsets
  }

  /** Full symbol-table nodes, but for the last. */
  private writeLeaves(entries: readonly { name: number; header: Address }[]): TreeChild[] {
    return inRuns(entries, leafSize).map((run) => {
      const address = this.address()
      this.bytes.text('SNOD')
      this.bytes.u16(1)
      this.bytes.u16(run.length)
      for (const { name, header } of run) {
        this.bytes.u64(name)
        this.bytes.u64(header)
        this.bytes.zeros(24)
      }
      this.bytes.zeros((leafSize - run.length) * 40)
      return { address, lastName: run.at(-1)?.name ?? 0 }
    })
  }

  /** One level of B-tree nodes above `children`. A child's names come after the key on its left. */
  private writeLevel(level: number, children: readonly TreeChild[]): TreeChild[] {
    const nodeBytes = 24 + nodeSize * 16 + 8
    let key = 0 // the empty name, before all others
    return inRuns(children, nodeSize).map((run, node, runs) => {
      const address = this.address()
      this.bytes.text('TREE')
      this.bytes.u8(0)
      this.bytes.u8(level)
      this.bytes.u16(run.length)
      this.bytes.u64(node > 0 ? address - nodeBytes : none)
      this.bytes.u64(node + 1 < runs.length ? address + nodeBytes : none)
      this.bytes.u64(key)
      for (const child of run) {
        this.bytes.u64(child.address)
        this.bytes.u64(child.lastName)
      }
      this.bytes.zeros((nodeSize - run.length) * 16)
      key = run.at(-1)!.lastName
      return { address, lastName: key }
    })
  }
}

/** `items` cut into runs of `size`, at least one. */
function inRuns<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.max(1, Math.ceil(items.length / size)) }, (_, run) => items.slice(run * size, (run + 1) * size))
}
