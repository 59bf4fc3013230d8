// Makes a module that imports a memory of its own import a shared one, so that a folder holds one module for
// both. Only the import section differs:
//
//   2, length, 3 imports: "env" "memory" memory(flags 0, at least 0 pages), …
//   2, length, 3 imports: "env" "memory" memory(flags 3, 0 … 65536 pages), …

import { damaged, readLength } from './check-module.js'
import { moduleConstants } from './plan.js'

/** Most pages of a memory. A module that allows as many takes any. */
export const mostPages = 65536

const headerBytes = 8
const importSection = 2
const names = [moduleConstants.length + 1, ...name('env'), ...name('memory'), 0x02]
const ownMemory = [...names, 0x00, 0x00]
const sharedMemory = [...names, 0x03, 0x00, 0x80, 0x80, 0x04]

/**
 * @param path what errors call the module
 * @throws InferError INFER_COMPILED if it does not import a memory as the assembler writes it
 */
export function importSharedMemory(bytes: Uint8Array, path: string): Uint8Array {
  let at = headerBytes
  while (at < bytes.length && bytes[at] !== importSection) {
    const { value, end } = readLength(bytes, at + 1)
    at = end + value
  }
  const { value: length, end: content } = readLength(bytes, at + 1)
  if (!ownMemory.every((byte, index) => bytes[content + index] === byte)) throw damaged(path, 'expected a module that imports a memory')
  const begin = [importSection, ...unsigned(length - ownMemory.length + sharedMemory.length), ...sharedMemory]
  const rest = bytes.subarray(content + ownMemory.length)
  const shared = new Uint8Array(at + begin.length + rest.length)
  shared.set(bytes.subarray(0, at))
  shared.set(begin, at)
  shared.set(rest, at + begin.length)
  return shared
}

function name(text: string): number[] {
  return [text.length, ...new TextEncoder().encode(text)]
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}
