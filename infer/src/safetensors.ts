// The safetensors format, for float32 tensors (https://github.com/huggingface/safetensors#format):
//
//   bytes      content
//   0 … 8      length n of the header, unsigned, little-endian
//   8 … 8+n    header: UTF-8 JSON { name: { dtype, shape, data_offsets: [begin, end] }, … }, an optional
//              "__metadata__" of strings, and spaces at its end
//   8+n …      the tensors' bytes, little-endian; offsets count from here, without overlap or holes
//
// The reader takes the file for hostile: every number is checked before it is used. The writer pads the
// header so that the tensors begin at a multiple of 8. Both want a little-endian processor, as
// WebAssembly does.

import { InferError } from './errors.js'
import { countValues } from './shapes.js'

/** Longest header read, in bytes; the reference implementation has the same limit. */
export const maxHeaderBytes = 100_000_000

/** Values and their shape. */
export interface Tensor {
  readonly shape: readonly number[]
  /** Row-major. */
  readonly data: Float32Array
}

/** A tensor as it stands in a file. */
export interface NamedTensor extends Tensor {
  readonly name: string
}

const metadataKey = '__metadata__'

/**
 * A file of these tensors in this order.
 * @param metadata strings to keep beside the tensors.
 * @throws InferError INFER_ARGUMENT for a name used twice or reserved, or data that does not fill its shape.
 */
export function encodeSafetensors(tensors: Iterable<NamedTensor>, metadata?: Readonly<Record<string, string>>): Uint8Array {
  const list = [...tensors]
  const header = new Map<string, unknown>(metadata === undefined ? [] : [[metadataKey, metadata]])
  let end = 0
  for (const { name, shape, data } of list) {
    if (name === metadataKey || header.has(name)) throw new InferError('INFER_ARGUMENT', `tensor ${quote(name)}: this name is reserved or used twice`)
    if (data.length !== countValues(shape)) {
      throw new InferError('INFER_ARGUMENT', `tensor ${quote(name)}: expected ${countValues(shape)} values for shape [${shape.join(', ')}], found ${data.length}`)
    }
    header.set(name, { dtype: 'F32', shape, data_offsets: [end, (end += data.byteLength)] })
  }
  // Map to object by entries: a tensor may be called "__proto__".
  const headerText = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)))
  const headerBytes = Math.ceil(headerText.length / 8) * 8
  const file = new Uint8Array(8 + headerBytes + end).fill(0x20, 8, 8 + headerBytes)
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true)
  file.set(headerText, 8)
  let offset = 8 + headerBytes
  for (const { data } of list) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset)
    offset += data.byteLength
  }
  return file
}

/**
 * The tensors of a file by name. Their data lie in `bytes` itself where alignment allows, so `bytes`
 * must not change afterwards. A key given twice in the header shows as a hole in the data.
 * @param name what errors call the file.
 * @throws InferError INFER_SAFETENSORS saying what is wrong where; also for a dtype other than F32.
 */
export function decodeSafetensors(bytes: Uint8Array, name: string): Map<string, { shape: number[]; data: Float32Array }> {
  const fail = (problem: string): never => {
    throw new InferError('INFER_SAFETENSORS', `${name}: ${problem}`, { path: name })
  }
  const { header, dataStart } = readHeader(bytes, fail)
  const entries = Object.entries(header)
    .filter(([key, value]) => key !== metadataKey || checkMetadata(value, fail))
    .map(([key, value]) => checkEntry(key, value, bytes.length - dataStart, fail))
  checkCoverage(entries, bytes.length - dataStart, fail)
  return new Map(entries.map(({ key, shape, begin, end }) => [key, { shape, data: floats(bytes, dataStart + begin, dataStart + end) }]))
}

type Fail = (problem: string) => never

interface Entry {
  readonly key: string
  readonly shape: number[]
  readonly begin: number
  readonly end: number
}

function readHeader(bytes: Uint8Array, fail: Fail): { header: object; dataStart: number } {
  if (bytes.length < 8) fail(`expected a header length of 8 bytes, found a file of ${bytes.length}`)
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true)
  if (length > maxHeaderBytes) fail(`byte 0: expected a header of at most ${maxHeaderBytes} bytes, found ${length}; this is hardly a safetensors file`)
  const dataStart = 8 + Number(length)
  if (dataStart > bytes.length) fail(`byte 0: the header ends at byte ${dataStart}, but the file has ${bytes.length}; it is cut short`)
  if (bytes[8] !== 0x7b || length === 0n) fail('byte 8: expected the header to begin with "{"')
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, dataStart))
    return { header: JSON.parse(text) as object, dataStart }
  } catch (error) {
    return fail(`byte 8: the header is not JSON: ${(error as Error).message}`)
  }
}

function checkMetadata(value: unknown, fail: Fail): false {
  if (!isObject(value) || !Object.values(value).every((text) => typeof text === 'string')) fail(`header: expected ${metadataKey} to hold strings`)
  return false
}

function checkEntry(key: string, value: unknown, dataBytes: number, fail: Fail): Entry {
  const place = `tensor ${quote(key)}`
  if (!isObject(value)) return fail(`${place}: expected an object`)
  const { dtype, shape, data_offsets: offsets } = value
  if (dtype !== 'F32') return fail(`${place}: expected dtype F32, found ${quote(dtype)}; convert the tensors to float32`)
  if (!isCounts(shape)) return fail(`${place}: expected its shape to be a list of whole numbers`)
  if (!isCounts(offsets) || offsets.length !== 2) return fail(`${place}: expected data_offsets to be two whole numbers`)
  const [begin, end] = offsets as [number, number]
  if (begin > end || end > dataBytes) return fail(`${place}: its bytes ${begin} to ${end} do not lie within the ${dataBytes} bytes of data`)
  if (countValues(shape) * 4 !== end - begin) return fail(`${place}: expected 4 bytes a value of [${shape.join(', ')}], found ${end - begin}`)
  return { key, shape, begin, end }
}

function checkCoverage(entries: readonly Entry[], dataBytes: number, fail: Fail): void {
  let covered = 0
  for (const { key, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered) fail(`tensor ${quote(key)}: expected its bytes to begin at ${covered}, found ${begin} (${begin < covered ? 'an overlap' : 'a hole'})`)
    covered = end
  }
  if (covered !== dataBytes) fail(`the tensors end at byte ${covered} of the data, which has ${dataBytes}`)
}

function floats(bytes: Uint8Array, begin: number, end: number): Float32Array {
  const aligned = (bytes.byteOffset + begin) % 4 === 0
  const source = aligned ? bytes.subarray(begin, end) : new Uint8Array(bytes.subarray(begin, end))
  return new Float32Array(source.buffer, source.byteOffset, source.byteLength / 4)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= 32 && value.every((size) => Number.isSafeInteger(size) && size >= 0)
}

/** A name from the file, fit to be printed: hostile ones are long or hold control characters. */
function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return (text.length > 80 ? `${text.slice(0, 80)}…` : text).replace(/[\u007f-\u009f]/g, '?')
}
