// tf.train.Example, the message in most TFRecord files: named lists of byte strings, floats or
// integers (tensorflow/core/example/feature.proto), on the wire format of wire-format.ts.
//
//   Example   1: Features
//   Features  1: entry, repeated       entry    1: name, UTF-8   2: Feature
//   Feature   one of                   1: BytesList   2: FloatList   3: Int64List
//   lists     1: value, repeated       byte strings; floats of 4 bytes or packed into one string of
//                                      bytes; varints, two's complement in 64 bits, or packed

import { PipelineError } from '../errors.js'
import { bytesField, encodeVarint, readFields, readVarints, WireError, wireType } from './wire-format.js'

export type Feature =
  | { readonly kind: 'bytes'; readonly values: readonly Uint8Array[] }
  | { readonly kind: 'floats'; readonly values: Float32Array }
  | { readonly kind: 'integers'; readonly values: BigInt64Array }

/** Features by name. */
export type Example = ReadonlyMap<string, Feature>

/**
 * Reads an Example. A feature without a list is left out, as an absent one. Byte strings are views of `data`.
 *
 * @param place names the record in errors
 * @throws PipelineError PIPE_EXAMPLE for bytes that are no Example, or more values than could be meant
 */
export function decodeExample(data: Uint8Array, place: string): Map<string, Feature> {
  const message = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const features = new Map<string, Feature>()
  const budget = { strings: maximumStrings, numbers: maximumNumbers }
  try {
    for (const bytes of messages(message, 1)) {
      for (const entry of messages(bytes, 1)) readEntry(entry, features, budget)
    }
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw new PipelineError('PIPE_EXAMPLE', `${place}: expected a tf.train.Example, found ${cause.message}; convert a file of such examples`, { path: place, cause })
  }
  return features
}

/** The bytes of an Example, with the features by name in code point order: the same features give the same bytes. */
export function encodeExample(features: Iterable<readonly [string, Feature]>): Buffer {
  const entries = [...features].map(([name, feature]) => ({ name: Buffer.from(name), feature }))
  entries.sort((a, b) => Buffer.compare(a.name, b.name))
  const parts = entries.flatMap(({ name, feature }) => bytesField(1, [...bytesField(1, [name]), ...bytesField(2, encodeFeature(feature))]))
  return Buffer.concat(bytesField(1, parts))
}

/** An object a string: a record of empty strings would take 50 times its size. */
const maximumStrings = 2 ** 20
/** Some 24 bytes a number that may have taken one. */
const maximumNumbers = 2 ** 23

interface Budget {
  strings: number
  numbers: number
}

/** The contents of the fields of that number. */
function* messages(message: Buffer, number: number): Generator<Buffer, void, undefined> {
  for (const field of readFields(message)) {
    if (field.number !== number) continue
    if (field.type !== wireType.bytes) throw new WireError(`field ${number} of type ${field.type} where a message is expected`)
    yield field.bytes
  }
}

function readEntry(entry: Buffer, features: Map<string, Feature>, budget: Budget): void {
  spend(budget, 'strings', 1)
  let name = ''
  const values: Buffer[] = []
  for (const { number, type, bytes } of readFields(entry)) {
    if (number > 2) continue
    if (type !== wireType.bytes) throw new WireError(`field ${number} of type ${type} in the entry of a feature`)
    if (number === 1) name = bytes.toString()
    else values.push(bytes)
  }
  const feature = readFeature(Buffer.concat(values), budget) // two messages in a row are one
  if (feature) features.set(name, feature)
}

/** Of lists of different kinds the last one counts, as with any one-of; equal kinds go on. */
function readFeature(message: Buffer, budget: Budget): Feature | undefined {
  let kind: number | undefined
  let lists: Buffer[] = []
  for (const { number, type, bytes } of readFields(message)) {
    if (number > 3) continue
    if (type !== wireType.bytes) throw new WireError(`field ${number} of type ${type} where a list is expected`)
    if (number !== kind) lists = []
    kind = number
    lists.push(bytes)
  }
  const list = Buffer.concat(lists)
  if (kind === 1) return { kind: 'bytes', values: readStrings(list, budget) }
  if (kind === 2) return { kind: 'floats', values: readFloats(list, budget) }
  return kind === 3 ? { kind: 'integers', values: readIntegers(list, budget) } : undefined
}

function readStrings(list: Buffer, budget: Budget): Uint8Array[] {
  const values: Uint8Array[] = []
  for (const value of messages(list, 1)) {
    spend(budget, 'strings', 1)
    values.push(value)
  }
  return values
}

function readFloats(list: Buffer, budget: Budget): Float32Array {
  const values: number[] = []
  for (const { number, type, bytes } of readFields(list)) {
    if (number !== 1) continue
    if ((type !== wireType.fixed32 && type !== wireType.bytes) || bytes.length % 4 !== 0) throw new WireError(`${bytes.length} bytes of type ${type} in a list of floats`)
    spend(budget, 'numbers', bytes.length / 4)
    for (let at = 0; at < bytes.length; at += 4) values.push(bytes.readFloatLE(at))
  }
  return Float32Array.from(values)
}

function readIntegers(list: Buffer, budget: Budget): BigInt64Array {
  const values: bigint[] = []
  for (const { number, type, varint, bytes } of readFields(list)) {
    if (number !== 1) continue
    if (type !== wireType.varint && type !== wireType.bytes) throw new WireError(`a value of type ${type} in a list of integers`)
    for (const value of type === wireType.varint ? [varint] : readVarints(bytes)) {
      spend(budget, 'numbers', 1)
      values.push(value)
    }
  }
  return BigInt64Array.from(values, (value) => BigInt.asIntN(64, value))
}

function spend(budget: Budget, what: keyof Budget, count: number): void {
  budget[what] -= count
  if (budget[what] < 0) throw new WireError(`more than ${what === 'strings' ? maximumStrings : maximumNumbers} ${what}`)
}

function encodeFeature(feature: Feature): Uint8Array[] {
  switch (feature.kind) {
    case 'bytes':
      return bytesField(1, feature.values.flatMap((value) => bytesField(1, [value])))
    case 'floats': {
      const packed = Buffer.allocUnsafe(4 * feature.values.length)
      feature.values.forEach((value, index) => packed.writeFloatLE(value, 4 * index))
      return bytesField(2, bytesField(1, [packed]))
    }
    case 'integers':
      return bytesField(3, bytesField(1, Array.from(feature.values, encodeVarint)))
  }
}
