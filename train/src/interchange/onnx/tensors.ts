// Tensors that a file states: weights, and numbers that say how an operator works. Floats become float32, every
// kind of whole number a float64, exact to 2^53.

import { maxWeightValues } from '../limits.js'
import { shown, type Fail } from '../network-file.js'
import { toNumber, type TensorMessage } from './messages.js'

export interface Constant {
  readonly kind: 'constant'
  readonly shape: readonly number[]
  readonly data: Float32Array | Float64Array
  /** Whole numbers divide without a rest. */
  readonly integer: boolean
}

interface ElementType {
  readonly name: string
  readonly bytes: number
  readonly integer: boolean
  readonly read: (view: DataView, at: number) => number
  /** The field of the numbers where they do not stand as raw bytes. */
  readonly field: 'floatData' | 'doubleData' | 'int32Data' | 'int64Data' | 'uint64Data'
}

/** TensorProto.DataType → how it is read. */
const elementTypes: Readonly<Record<number, ElementType>> = {
  1: { name: 'float', bytes: 4, integer: false, field: 'floatData', read: (view, at) => view.getFloat32(at, true) },
  2: { name: 'uint8', bytes: 1, integer: true, field: 'int32Data', read: (view, at) => view.getUint8(at) },
  3: { name: 'int8', bytes: 1, integer: true, field: 'int32Data', read: (view, at) => view.getInt8(at) },
  4: { name: 'uint16', bytes: 2, integer: true, field: 'int32Data', read: (view, at) => view.getUint16(at, true) },
  5: { name: 'int16', bytes: 2, integer: true, field: 'int32Data', read: (view, at) => view.getInt16(at, true) },
  6: { name: 'int32', bytes: 4, integer: true, field: 'int32Data', read: (view, at) => view.getInt32(at, true) },
  7: { name: 'int64', bytes: 8, integer: true, field: 'int64Data', read: (view, at) => Number(view.getBigInt64(at, true)) },
  9: { name: 'bool', bytes: 1, integer: true, field: 'int32Data', read: (view, at) => view.getUint8(at) },
  10: { name: 'float16', bytes: 2, integer: false, field: 'int32Data', read: (view, at) => float16(view.getUint16(at, true)) },
  11: { name: 'double', bytes: 8, integer: false, field: 'doubleData', read: (view, at) => view.getFloat64(at, true) },
  12: { name: 'uint32', bytes: 4, integer: true, field: 'uint64Data', read: (view, at) => view.getUint32(at, true) },
  13: { name: 'uint64', bytes: 8, integer: true, field: 'uint64Data', read: (view, at) => Number(view.getBigUint64(at, true)) },
  16: { name: 'bfloat16', bytes: 2, integer: false, field: 'int32Data', read: (view, at) => bfloat16(view.getUint16(at, true)) },
}

/** Whether values of a type can be computed with here, in float32. */
export function isFloatType(dataType: number): boolean {
  return elementTypes[dataType]?.integer === false
}

/** A place in another file. */
export interface ExternalData {
  readonly location: string
  readonly offset: number
  /** Undefined: to the end of the file. */
  readonly length: number | undefined
}

/** Where a tensor's data lie outside; undefined for those within. */
export function externalData(tensor: TensorMessage, fail: Fail): ExternalData | undefined {
  if (tensor.dataLocation !== 1) return undefined
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]))
  const place = (key: string): number | undefined => {
    const text = entries.get(key)
    if (text === undefined) return undefined
    const value = Number(text)
    return /^\d{1,16}$/.test(text) && Number.isSafeInteger(value) ? value : fail('TRAIN_NETWORK_FILE', `weight ${shown(tensor.name)}: expected its ${key} to be a number of bytes, found ${shown(text)}`)
  }
  const location = entries.get('location') ?? fail('TRAIN_NETWORK_FILE', `weight ${shown(tensor.name)}: says that it lies in another file, but not in which`)
  return { location, offset: place('offset') ?? 0, length: place('length') }
}

/** The numbers of a tensor. `files` has those that hold data outside, by location. */
export function readTensor(tensor: TensorMessage, files: ReadonlyMap<string, Uint8Array>, fail: Fail): Constant {
  const refuse = (problem: string): never => fail('TRAIN_NETWORK_FILE', `weight ${shown(tensor.name)}: ${problem}`)
  const type = elementTypes[tensor.dataType] ?? fail('TRAIN_NETWORK_UNSUPPORTED', `weight ${shown(tensor.name)}: its data type ${tensor.dataType} is not read here; store it as float`)
  const shape = tensor.dims.map(toNumber)
  const count = shape.reduce((product, size) => product * size, 1)
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0) || !(count <= maxWeightValues)) refuse(`expected a shape of at most ${maxWeightValues} values, found [${shape.slice(0, 8).join(', ')}]`)
  const outside = externalData(tensor, fail)
  const raw = outside === undefined ? tensor.rawData : externalBytes(outside, files, refuse)
  const isRaw = raw.length > 0 || outside !== undefined
  if (isRaw && raw.length !== count * type.bytes) refuse(`expected ${count * type.bytes} bytes for [${shape.join(', ')}] of ${type.name}, found ${raw.length}`)
  if (!isRaw && fieldBytes(tensor, type) < count) refuse(`expected ${count} values for [${shape.join(', ')}], found fewer`)
  const data = type.integer ? new Float64Array(count) : new Float32Array(count)
  if (isRaw) readRaw(raw, type, data)
  else {
    const found = readField(tensor, type, data, refuse)
    if (found !== count) refuse(`expected ${count} values for [${shape.join(', ')}], found ${found}`)
  }
  return { kind: 'constant', shape, data, integer: type.integer }
}

function fieldBytes(tensor: TensorMessage, { field }: ElementType): number {
  return tensor[field].reduce((sum, { length }) => sum + length, 0)
}

function externalBytes({ location, offset, length }: ExternalData, files: ReadonlyMap<string, Uint8Array>, refuse: (problem: string) => never): Uint8Array {
  const file = files.get(location) ?? refuse(`its data lie in ${shown(location)}, which was not given`)
  const end = length === undefined ? file.length : offset + length
  if (offset > end || end > file.length) refuse(`expected bytes ${offset} to ${end} of ${shown(location)}, found only ${file.length}`)
  return file.subarray(offset, end)
}

function readRaw(raw: Uint8Array, { name, bytes, read }: ElementType, data: Constant['data']): void {
  if (name === 'float' && data.byteLength === raw.length) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).set(raw)
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength)
  for (let index = 0; index < data.length; index++) data[index] = read(view, index * bytes)
}

/** How many numbers the packed field holds; those that there is room for are put into `data`. */
function readField(tensor: TensorMessage, type: ElementType, data: Constant['data'], refuse: (problem: string) => never): number {
  let count = 0
  for (const bytes of tensor[type.field]) {
    if (type.field === 'floatData' || type.field === 'doubleData') {
      if (bytes.length % type.bytes !== 0) refuse(`its numbers are cut`)
      readRaw(bytes, type, data.subarray(count, count + bytes.length / type.bytes))
      count += bytes.length / type.bytes
      continue
    }
    for (let at = 0; at < bytes.length; count++) {
      let [value, shift] = [0n, 0n]
      for (;;) {
        const byte = bytes[at++] ?? refuse('its numbers are cut')
        if (shift > 63n) refuse('a number of it has more than 64 bits')
        value |= BigInt(byte & 127) << shift
        shift += 7n
        if (byte < 128) break
      }
      if (count < data.length) data[count] = numberOf(value, type)
    }
  }
  return count
}

function numberOf(value: bigint, { name, field }: ElementType): number {
  if (name === 'float16') return float16(Number(value & 0xffffn))
  if (name === 'bfloat16') return bfloat16(Number(value & 0xffffn))
  return Number(field === 'uint64Data' ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value))
}

/** IEEE 754 binary16: sign, 5 bits of exponent, 10 of fraction. */
export function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25))
}

/** The upper half of a float32. */
function bfloat16(bits: number): number {
  const view = new DataView(new ArrayBuffer(4))
  view.setUint32(0, bits << 16)
  return view.getFloat32(0)
}
