// Protocol Buffers' wire format, as much of it as tf.train.Example needs. A message is fields, each
//
//   tag = number << 3 | type, a varint     type  content
//                                          0     varint: 7 bits a byte, lowest first, bit 7 = more follow
//                                          1     8 bytes
//                                          2     length as a varint, then so many bytes
//                                          5     4 bytes
//
// Types 3 and 4 (groups) are long deprecated and refused. A reader passes over numbers it does not
// know. https://protobuf.dev/programming-guides/encoding/

/** One field of a message. */
export interface WireField {
  readonly number: number
  /** 0 varint, 1 eight bytes, 2 bytes, 5 four bytes. */
  readonly type: number
  /** Type 0: the varint, 64 bits as unsigned. */
  readonly varint: bigint
  /** Types 1, 2 and 5: the bytes, a view of the message. */
  readonly bytes: Buffer
}

export const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

/** Not a well-formed message. `message` says at which byte of the message and why. */
export class WireError extends Error {
  override readonly name = 'WireError'
}

/** The fields of a message, in order. @throws WireError */
export function* readFields(message: Buffer): Generator<WireField, void, undefined> {
  const cursor = { at: 0 }
  while (cursor.at < message.length) {
    const start = cursor.at
    const tag = readVarint(message, cursor)
    const number = Number(tag >> 3n)
    const type = Number(tag & 7n)
    if (number === 0 || number >= 2 ** 29) throw new WireError(`a field has number ${number} at byte ${start} of its message`)
    if (type === wireType.varint) yield { number, type, varint: readVarint(message, cursor), bytes: noBytes }
    else yield { number, type, varint: 0n, bytes: readBytes(message, cursor, type, start) }
  }
}

/** The varints that fill `bytes`. @throws WireError */
export function* readVarints(bytes: Buffer): Generator<bigint, void, undefined> {
  for (const cursor = { at: 0 }; cursor.at < bytes.length;) yield readVarint(bytes, cursor)
}

/** A field of type 2. The parts are joined only at the end, so that an image is copied once. */
export function bytesField(number: number, parts: readonly Uint8Array[]): Uint8Array[] {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  return [encodeVarint(BigInt(number << 3 | wireType.bytes)), encodeVarint(BigInt(length)), ...parts]
}

/** Of a 64-bit number; a negative one takes ten bytes. */
export function encodeVarint(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  bytes.push(Number(rest))
  return Buffer.from(bytes)
}

const noBytes = Buffer.alloc(0)

function readVarint(message: Buffer, cursor: { at: number }): bigint {
  const start = cursor.at
  let low = 0 // the first four groups, 28 bits: most numbers need no bigint arithmetic
  for (let group = 0; group < 4; group++) {
    const byte = message[cursor.at++]
    if (byte === undefined) throw new WireError(`a number breaks off at byte ${start} of its message`)
    low |= (byte & 127) << (7 * group)
    if (byte < 128) return BigInt(low)
  }
  let value = BigInt(low)
  for (let group = 4; group < 10; group++) {
    const byte = message[cursor.at++]
    if (byte === undefined) throw new WireError(`a number breaks off at byte ${start} of its message`)
    value |= BigInt(byte & 127) << BigInt(7 * group)
    if (byte < 128) return BigInt.asUintN(64, value)
  }
  throw new WireError(`a number at byte ${start} of its message goes on past 10 bytes`)
}

function readBytes(message: Buffer, cursor: { at: number }, type: number, start: number): Buffer {
  const length = type === wireType.bytes ? Number(readVarint(message, cursor)) : type === wireType.fixed64 ? 8 : type === wireType.fixed32 ? 4 : undefined
  if (length === undefined) throw new WireError(`a field has type ${type} at byte ${start} of its message`)
  const end = cursor.at + length
  if (end > message.length) throw new WireError(`a field of ${length} bytes at byte ${start} passes the end of its message of ${message.length} bytes`)
  const bytes = message.subarray(cursor.at, end)
  cursor.at = end
  return bytes
}
