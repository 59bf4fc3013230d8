// Looks a module over before it is given memory. What a network needs is little: five sections, one memory
// that it is handed, two constants, its functions. A module with a memory or table of its own could take
// what no limit counts, and one with a start function would run before anybody asks.
//
//   "\0asm" 1 | section id byte, content length (LEB128), content | …

import { InferError } from '../errors.js'
import { moduleConstants, moduleExports } from './plan.js'

/** type, import, function, export, code: as the assembler writes them */
const sectionIds = [1, 2, 3, 7, 10]

/**
 * @param path what errors call the module
 * @throws InferError INFER_COMPILED for bytes that are not a module of a network
 */
export function checkSections(bytes: Uint8Array, path: string): void {
  const found: number[] = []
  let at = 8
  while (at < bytes.length && found.length <= sectionIds.length) {
    found.push(bytes[at]!)
    const { value, end } = readLength(bytes, at + 1)
    at = end + value
  }
  if (found.join() !== sectionIds.join()) throw damaged(path, `expected the sections ${sectionIds.join(', ')}, found ${found.join(', ')}`)
}

/** @throws InferError INFER_COMPILED unless the module imports and exports what a network of so many steps does */
export function checkInterface(module: WebAssembly.Module, steps: number, path: string): void {
  const imports = WebAssembly.Module.imports(module).map((entry) => `${entry.kind} ${entry.module}.${entry.name}`)
  const expected = ['memory env.memory', ...moduleConstants.map((name) => `global env.${name}`)]
  if (imports.join() !== expected.join()) throw damaged(path, `expected to import ${expected.join(', ')}, found ${shown(imports)}`)
  const exports = WebAssembly.Module.exports(module).map(({ kind, name }) => `${kind} ${name}`)
  if (exports.join() !== moduleExports(steps).map((name) => `function ${name}`).join()) throw damaged(path, `expected to export run and ${steps} steps, found ${shown(exports)}`)
}

/** An error about what lies in compiled/. */
export function damaged(path: string, problem: string, cause?: unknown): InferError {
  return new InferError('INFER_COMPILED', `${path}: ${problem}; run "millrace compile" on the model again, or delete its compiled folder`, { path, cause })
}

function shown(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : names.join(', ').slice(0, 200).replace(/\p{Cc}/gu, '?')
}

/** LEB128, unsigned; past the end of the bytes it ends. */
function readLength(bytes: Uint8Array, begin: number): { readonly value: number; readonly end: number } {
  let value = 0
  for (let at = begin, factor = 1; at < bytes.length && at < begin + 5; at++, factor *= 128) {
    value += (bytes[at]! & 0x7f) * factor
    if (bytes[at]! < 0x80) return { value, end: at + 1 }
  }
  return { value, end: bytes.length }
}
