// A group: names and the addresses of their objects. Two layouts are read: the old one that MATLAB
// writes (a B-tree of symbol table nodes, the names in a local heap), and the compact new one
// (link messages in the object header). HDF5 File Format Specification 3.0, III.B-D, IV.A.2.g.
//
//   local heap                       symbol table node           its entries (40 bytes)
//   4  "HEAP", 1 version, 3 res.     4  "SNOD"                   8  offset of the name in the heap
//   8  bytes of the data             1  version, 1 reserved      8  address of the object header
//   8  first free block              2  number of entries        4  cache type, 20 more
//   8  address of the data           …  entries

import type { Cursor } from './cursor.js'
import type { FileBytes } from './file-bytes.js'
import { readTree } from './b-tree.js'
import { findMessage, messageTypes, type ObjectHeader } from './object-header.js'

/** Enough for any group that is listed here; a damaged file must not make us list millions. */
const maxLinks = 4096
const entryBytes = 40
const hardLink = 0

/** Name → address of the object header. Soft and external links are left out. */
export type Links = ReadonlyMap<string, number>

/**
 * The links of a group, or undefined if the object is no group.
 * @throws PipelineError PIPE_HDF5_DAMAGED, PIPE_HDF5_UNSUPPORTED
 */
export function readLinks(file: FileBytes, header: ObjectHeader): Links | undefined {
  const symbolTable = findMessage(header, messageTypes.symbolTable)
  if (symbolTable !== undefined) return readSymbolTable(file, symbolTable)
  const linkInfo = findMessage(header, messageTypes.linkInfo)
  if (linkInfo !== undefined) return readLinkMessages(file, header, linkInfo)
  return undefined
}

function readSymbolTable(file: FileBytes, message: Cursor): Links {
  const treeAddress = message.definedAddress()
  const names = readHeap(file, message.definedAddress())
  const links = new Map<string, number>()
  for (const { child } of readTree(file, treeAddress, 0, 8)) {
    const head = file.cursor(child, 8, 'symbol table node')
    head.signature('SNOD')
    head.skip(2)
    const count = head.u16()
    const entries = file.cursor(child + 8, count * entryBytes, 'symbol table node')
    for (let index = 0; index < count; index++) {
      const entry = entries.part(entryBytes, 'symbol table entry')
      const nameOffset = entry.length()
      const address = entry.address64()
      if (address !== undefined) addLink(file, links, heapName(names, nameOffset), address)
    }
  }
  return links
}

function readHeap(file: FileBytes, address: number): Cursor {
  const head = file.cursor(address, 32, 'local heap')
  head.signature('HEAP')
  head.skip(4)
  const length = head.length()
  head.skip(8)
  return file.cursor(head.definedAddress(), length, 'local heap data')
}

function heapName(names: Cursor, offset: number): string {
  const end = offset < names.bytes.length ? names.bytes.indexOf(0, offset) : -1
  if (end < 0) throw names.damaged(`a name at offset ${offset}`, `none in ${names.bytes.length} bytes`)
  return names.bytes.toString('utf8', offset, end)
}

function readLinkMessages(file: FileBytes, header: ObjectHeader, linkInfo: Cursor): Links {
  linkInfo.skip(1)
  const flags = linkInfo.u8()
  if (flags & 1) linkInfo.skip(8)
  if (linkInfo.address64() !== undefined) throw file.unsupported(header.address, 'a group with dense link storage')
  const links = new Map<string, number>()
  for (const { type, body } of header.messages) {
    if (type !== messageTypes.link) continue
    const link = readLinkMessage(body)
    if (link !== undefined) addLink(file, links, link.name, link.address)
  }
  return links
}

/** 1 version, 1 flags, then as the flags say: 1 type, 8 creation order, 1 character set, 1-8 name length. */
function readLinkMessage(body: Cursor): { name: string; address: number } | undefined {
  body.skip(1)
  const flags = body.u8()
  const type = flags & 0x08 ? body.u8() : hardLink
  body.skip((flags & 0x04 ? 8 : 0) + (flags & 0x10 ? 1 : 0))
  const lengthReaders = [() => body.u8(), () => body.u16(), () => body.u32(), () => body.length()] as const
  const nameLength = lengthReaders[(flags & 3) as 0 | 1 | 2 | 3]()
  const name = body.take(nameLength).toString('utf8')
  return type === hardLink ? { name, address: body.definedAddress() } : undefined
}

function addLink(file: FileBytes, links: Map<string, number>, name: string, address: number): void {
  if (links.size >= maxLinks) throw file.unsupported(address, `a group of more than ${maxLinks} members`)
  links.set(name, address)
}
