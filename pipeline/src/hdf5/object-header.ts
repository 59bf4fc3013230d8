// An object header: the list of messages that describe a group or a dataset. It may go on in
// further blocks elsewhere. HDF5 File Format Specification 3.0, IV.A.
//
//   version 1                                 version 2
//   1  version, 1 reserved                    4  "OHDR", 1 version, 1 flags
//   2  number of messages                     16 times, if flags bit 5
//   4  reference count                        4  attribute limits, if flags bit 4
//   4  bytes of the first block               1-8 bytes of the first block (flags bits 0-1)
//   4  padding                                …  messages
//   …  messages                               4  checksum (of each block)
//
//   message: 2 type, 2 length,                message: 1 type, 2 length, 1 flags,
//            1 flags, 3 reserved                       2 creation order, if flags bit 2

import type { Cursor } from './cursor.js'
import type { FileBytes } from './file-bytes.js'

/** The message types that are read here. */
export const messageTypes = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  link: 0x06,
  layout: 0x08,
  filters: 0x0b,
  continuation: 0x10,
  symbolTable: 0x11,
} as const

export interface HeaderMessage {
  readonly type: number
  readonly body: Cursor
}

/** An object's messages in order, those of its continuation blocks included. */
export interface ObjectHeader {
  readonly address: number
  readonly messages: readonly HeaderMessage[]
}

/**
 * Reads the header at `address`.
 * @throws PipelineError PIPE_HDF5_DAMAGED, PIPE_HDF5_UNSUPPORTED
 */
export function readObjectHeader(file: FileBytes, address: number): ObjectHeader {
  const version = file.view(address, 1, 'object header')[0]
  if (version === 1) return readVersion1(file, address)
  return readVersion2(file, address)
}

/** The body of the one message of a type, or undefined. */
export function findMessage(header: ObjectHeader, type: number): Cursor | undefined {
  return header.messages.find((message) => message.type === type)?.body
}

function readVersion1(file: FileBytes, address: number): ObjectHeader {
  const prefix = file.cursor(address, 16, 'object header')
  prefix.skip(2)
  const count = prefix.u16()
  prefix.skip(4)
  const firstLength = prefix.u32()
  const messages: HeaderMessage[] = []
  const blocks = new Blocks(file, address + 16, firstLength)
  for (const block of blocks) {
    while (messages.length < count && block.remaining >= 8) {
      const type = block.u16()
      const length = block.u16()
      const flags = block.u8()
      block.skip(3)
      addMessage(messages, blocks, type, flags, block.part(length, 'object header message'))
    }
  }
  return { address, messages }
}

function readVersion2(file: FileBytes, address: number): ObjectHeader {
  const prefix = file.cursor(address, Math.min(34, file.sizeBytes - file.base - address), 'object header')
  prefix.signature('OHDR')
  const version = prefix.u8()
  if (version !== 2) throw file.unsupported(address, `HDF5 object header version ${version}`)
  const flags = prefix.u8()
  prefix.skip((flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0))
  const firstLength = readSized(prefix, flags & 3)
  const messages: HeaderMessage[] = []
  const blocks = new Blocks(file, prefix.here, firstLength)
  let isFirst = true
  for (const block of blocks) {
    if (!isFirst) block.signature('OCHK')
    const tailBytes = isFirst ? 0 : 4 // the first length leaves its checksum out
    isFirst = false
    while (block.remaining - tailBytes >= 4) {
      const type = block.u8()
      const length = block.u16()
      const messageFlags = block.u8()
      if (flags & 4) block.skip(2)
      addMessage(messages, blocks, type, messageFlags, block.part(length, 'object header message'))
    }
  }
  return { address, messages }
}

function addMessage(messages: HeaderMessage[], blocks: Blocks, type: number, flags: number, body: Cursor): void {
  messages.push({ type, body })
  if (type === messageTypes.continuation) blocks.add(body.definedAddress(), body.length())
  const isShared = (flags & 2) !== 0 // the body is only a pointer to a message elsewhere
  if (isShared && isRead(type)) throw body.file.unsupported(body.address, `a shared HDF5 message of type ${type}`)
}

function isRead(type: number): boolean {
  return Object.values(messageTypes).some((known) => known === type)
}

function readSized(cursor: Cursor, sizeCode: number): number {
  switch (sizeCode) {
    case 0: return cursor.u8()
    case 1: return cursor.u16()
    case 2: return cursor.u32()
    default: return cursor.length()
  }
}

/** The blocks of one header, in order; more may be added while they are read, but none twice. */
class Blocks {
  readonly #file: FileBytes
  readonly #places: { address: number; length: number }[] = []

  constructor(file: FileBytes, address: number, length: number) {
    this.#file = file
    this.add(address, length)
  }

  add(address: number, length: number): void {
    if (this.#places.some((place) => place.address === address)) {
      throw this.#file.damaged(address, 'each block of an object header once', 'a block that leads back to itself')
    }
    this.#places.push({ address, length })
  }

  *[Symbol.iterator](): Generator<Cursor> {
    for (const { address, length } of this.#places) yield this.#file.cursor(address, length, 'object header block')
  }
}
