// MATLAB 5 files (.mat as MATLAB saves them with -v6 and -v7): the part that annotations are written
// in, that is arrays of numbers and characters, cells and structs. "MAT-File Format", MathWorks.
//
//   bytes  field
//   116    text
//   8      where the data of MATLAB's own objects stand: not read
//   2      version, 0x0100
//   2      "IM" in a little-endian file, "MI" in a big-endian one
//   …      variables: elements (elements.ts) of type matrix, or compressed (zlib) with a matrix within
//
//   matrix      flags · dimensions · name · its content, by the class in the flags:
//   cell        a matrix each             struct   length of a field's name · names, each padded with
//   characters  one element of codes               zeros · matrices: all fields of the first element,
//   numbers     one element of numbers             of the second …
//
// Numbers and characters are decoded when asked for: a file of small values is all headers.

import { readFile, stat } from 'node:fs/promises'
import { inflateSync } from 'node:zlib'
import { PipelineError } from '../errors.js'
import { unreadableSource } from '../providers/image-provider.js'
import { ElementReader, elementTypes, type DataElement, type ElementPlace } from './elements.js'
import { countNumbers, readNumbers } from './numbers.js'

/** An array; `shape` has its dimensions, two or more, and values stand in column order. */
export type MatlabArray = MatlabNumbers | MatlabText | MatlabCells | MatlabStruct | MatlabOther

export interface MatlabNumbers {
  readonly kind: 'numbers'
  readonly shape: readonly number[]
  /** As doubles, whatever their class. */
  numbers(): number[]
}

export interface MatlabText {
  readonly kind: 'text'
  readonly shape: readonly number[]
  /** Of a row of characters, its text. @throws PipelineError PIPE_MATLAB_DAMAGED for codes that are none */
  text(): string
}

export interface MatlabCells {
  readonly kind: 'cells'
  readonly shape: readonly number[]
  readonly cells: readonly MatlabArray[]
}

export interface MatlabStruct {
  readonly kind: 'struct'
  readonly shape: readonly number[]
  /** Elements in all: the product of the shape. */
  readonly count: number
  /** A field's values, one for each element. */
  readonly fields: ReadonlyMap<string, readonly MatlabArray[]>
}

/** What is passed over: sparse and complex numbers, objects, functions. */
export interface MatlabOther {
  readonly kind: 'other'
  readonly shape: readonly number[]
  /** In words. */
  readonly what: string
}

/** Stanford Cars' annotations have 1 MB, as much as 8 MB inflated, and 113,000 arrays. */
const maxFileBytes = 2 ** 28
const maxInflatedBytes = 2 ** 28
const maxArrays = 2 ** 22
const maxDepth = 16
const headerBytes = 128

/**
 * The variables of a file, by name. Memory: the file and what it inflates to, at most 256 MiB each.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_MATLAB_DAMAGED, PIPE_MATLAB_UNSUPPORTED
 */
export async function readMatlabFile(path: string): Promise<Map<string, MatlabArray>> {
  let bytes: Buffer
  try {
    const { size } = await stat(path)
    if (size > maxFileBytes) throw unsupported(path, 0, `a file of ${size} bytes (up to ${maxFileBytes} are read)`)
    bytes = await readFile(path)
  } catch (cause) {
    throw cause instanceof PipelineError ? cause : unreadableSource(path, cause)
  }
  return parseMatlab(bytes, path)
}

/**
 * The variables in the bytes of a file; `path` stands in messages.
 * @throws PipelineError PIPE_MATLAB_DAMAGED, PIPE_MATLAB_UNSUPPORTED
 */
export function parseMatlab(bytes: Buffer, path: string): Map<string, MatlabArray> {
  const isBigEndian = checkHeader(bytes, path)
  const limits: Limits = { inflated: maxInflatedBytes, arrays: maxArrays }
  const reader = new ElementReader(bytes.subarray(headerBytes), { path, within: '', isBigEndian }, headerBytes)
  const variables = new Map<string, MatlabArray>()
  while (reader.remaining > 0) {
    const element = reader.next('a variable')
    const { name, array } = element.type === elementTypes.compressed ? readCompressed(reader, element, limits) : readMatrix(reader, element, limits, 0)
    variables.set(name, array)
  }
  return variables
}

/** What is left of the limits. */
interface Limits {
  inflated: number
  arrays: number
}

interface NamedArray {
  readonly name: string
  readonly array: MatlabArray
}

function checkHeader(bytes: Buffer, path: string): boolean {
  if (bytes.toString('latin1', 0, 10) === 'MATLAB 7.3' || bytes.toString('latin1', 1, 4) === 'HDF') throw unsupported(path, 0, 'a file of version 7.3 (HDF5)')
  const order = bytes.toString('latin1', 126, headerBytes)
  if (bytes.length < headerBytes || (order !== 'IM' && order !== 'MI')) {
    throw new PipelineError('PIPE_MATLAB_DAMAGED', `${path}: at byte 0: expected a MATLAB 5 file, with "IM" or "MI" at byte 126, found ${JSON.stringify(order)}; check the path`, { path })
  }
  const isBigEndian = order === 'MI'
  const version = isBigEndian ? bytes.readUInt16BE(124) : bytes.readUInt16LE(124)
  if (version !== 0x0100) throw unsupported(path, 124, `version 0x${version.toString(16)}`)
  return isBigEndian
}

function readCompressed(reader: ElementReader, { data, offset }: DataElement, limits: Limits): NamedArray {
  const { path, isBigEndian } = reader.place
  const inflated = inflate(reader, data, offset, limits)
  limits.inflated -= inflated.length
  const place: ElementPlace = { path, within: ` of the compressed variable at byte ${offset}`, isBigEndian }
  const inner = new ElementReader(inflated, place, 0)
  return readMatrix(inner, inner.next('a variable'), limits, 0)
}

function inflate(reader: ElementReader, data: Buffer, offset: number, limits: Limits): Buffer {
  try {
    return inflateSync(data, { maxOutputLength: Math.max(1, limits.inflated) })
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ERR_BUFFER_TOO_LARGE') throw unsupported(reader.place.path, offset, `a file that inflates to more than ${maxInflatedBytes} bytes`)
    throw reader.damaged('a compressed variable', message, offset)
  }
}

function readMatrix(outer: ElementReader, element: DataElement, limits: Limits, depth: number): NamedArray {
  const { type, data, offset } = element
  if (type !== elementTypes.matrix) throw outer.damaged('a matrix', `an element of type ${type}`, offset)
  if (limits.arrays-- <= 0 || depth > maxDepth) throw unsupported(outer.place.path, offset, `a file of more than ${maxArrays} arrays, or more than ${maxDepth} within each other,`)
  if (data.length === 0) return { name: '', array: emptyNumbers }
  const reader = outer.within(element)
  const flags = numbersOf(reader, 'the flags', 2)[0]!
  const matlabClass = flags & 0xff
  if (matlabClass === opaqueClass) return { name: '', array: { kind: 'other', shape: [], what: 'an object' } } // without dimensions
  const shape = numbersOf(reader, 'the dimensions')
  if (shape.length < 2 || !shape.every((length) => Number.isInteger(length) && length >= 0)) throw reader.damaged('two dimensions or more', shape.slice(0, 8).join('x') || 'none', offset)
  const name = reader.next('the name').data.toString('latin1')
  const isPlain = (flags & complexFlag) === 0
  return { name, array: isPlain ? readContent(reader, matlabClass, shape, limits, depth) : { kind: 'other', shape, what: 'complex numbers' } }
}

const complexFlag = 0x0800
const opaqueClass = 17
const otherClasses: ReadonlyMap<number, string> = new Map([
  [3, 'an object'],
  [5, 'sparse numbers'],
  [16, 'a function'],
])
const emptyNumbers: MatlabNumbers = { kind: 'numbers', shape: [0, 0], numbers: () => [] }

function readContent(reader: ElementReader, matlabClass: number, shape: readonly number[], limits: Limits, depth: number): MatlabArray {
  const count = shape.reduce((product, length) => product * length, 1)
  if (matlabClass === 1) return { kind: 'cells', shape, cells: readArrays(reader, count, limits, depth) }
  if (matlabClass === 2) return readStruct(reader, shape, count, limits, depth)
  if (matlabClass === 4) return readText(reader, shape, count)
  if (matlabClass >= 6 && matlabClass <= 15) return { kind: 'numbers', shape, ...readNumberElement(reader, count) }
  const what = otherClasses.get(matlabClass)
  if (what === undefined) throw reader.damaged('a class of arrays, 1 to 17', `${matlabClass}`)
  return { kind: 'other', shape, what }
}

/** So many matrices; each takes 8 bytes or more, which bounds them by the bytes that there are. */
function readArrays(reader: ElementReader, count: number, limits: Limits, depth: number): MatlabArray[] {
  if (count * 8 > reader.remaining) throw reader.damaged(`${count} arrays`, `only ${reader.remaining} bytes for them`)
  const arrays: MatlabArray[] = []
  while (arrays.length < count) arrays.push(readMatrix(reader, reader.next('an array'), limits, depth + 1).array)
  return arrays
}

function readStruct(reader: ElementReader, shape: readonly number[], count: number, limits: Limits, depth: number): MatlabStruct {
  const nameLength = numbersOf(reader, "the length of the fields' names", 1)[0]!
  const names = fieldNames(reader, nameLength)
  const values = readArrays(reader, count * names.length, limits, depth)
  const fields = new Map(names.map((name, field) => [name, Array.from({ length: count }, (_, element) => values[element * names.length + field]!)]))
  return { kind: 'struct', shape, count, fields }
}

function fieldNames(reader: ElementReader, nameLength: number): string[] {
  const { data, offset } = reader.next("the fields' names")
  if (data.length === 0) return []
  const count = data.length / nameLength
  if (!Number.isInteger(nameLength) || !Number.isInteger(count) || count < 1) throw reader.damaged(`names of ${nameLength} bytes each`, `${data.length} bytes`, offset)
  return Array.from({ length: count }, (_, place) => data.toString('latin1', place * nameLength, (place + 1) * nameLength).replace(/\0[^]*$/, ''))
}

function readNumberElement(reader: ElementReader, count: number): Pick<MatlabNumbers, 'numbers'> {
  const element = reader.next('the numbers')
  const found = countNumbers(element)
  if (found !== count) throw reader.damaged(`${count} numbers`, describe(element, found), element.offset)
  return { numbers: () => readNumbers(element, reader.place.isBigEndian) }
}

function readText(reader: ElementReader, shape: readonly number[], count: number): MatlabText {
  const element = count === 0 && reader.remaining === 0 ? undefined : reader.next('the characters')
  if (element === undefined) return { kind: 'text', shape, text: () => '' }
  const { type, offset } = element
  if (type === elementTypes.utf8 || type === elementTypes.utf16) return { kind: 'text', shape, text: () => decodeText(reader, element) }
  const found = type === elementTypes.utf32 ? undefined : countNumbers(element)
  if (found !== count) throw reader.damaged(`${count} characters`, describe(element, found), offset)
  return { kind: 'text', shape, text: () => readNumbers(element, reader.place.isBigEndian).map((code) => String.fromCharCode(code)).join('') }
}

function decodeText(reader: ElementReader, { type, data, offset }: DataElement): string {
  const coding = type === elementTypes.utf8 ? 'utf-8' : reader.place.isBigEndian ? 'utf-16be' : 'utf-16le'
  try {
    return new TextDecoder(coding, { fatal: true, ignoreBOM: true }).decode(data)
  } catch {
    throw reader.damaged(`text in ${coding}`, 'bytes that are none', offset)
  }
}

function numbersOf(reader: ElementReader, what: string, least = 0): number[] {
  const element = reader.next(what)
  const count = countNumbers(element)
  if (count === undefined || count < least || count > maxNumbers) throw reader.damaged(`${what} in numbers`, describe(element, count), element.offset)
  return readNumbers(element, reader.place.isBigEndian)
}

/** MATLAB knows no limit to dimensions, files do not come near this one. */
const maxNumbers = 64

function describe({ type, data }: DataElement, count: number | undefined): string {
  return count === undefined ? `${data.length} bytes of type ${type}` : `${count}`
}

function unsupported(path: string, offset: number, feature: string): PipelineError {
  return new PipelineError('PIPE_MATLAB_UNSUPPORTED', `${path}: at byte ${offset}: ${feature} is not read here; save the variables again from MATLAB with -v7`, { path })
}
