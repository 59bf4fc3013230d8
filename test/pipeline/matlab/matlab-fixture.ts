// Writes MATLAB 5 files for the tests, in either byte order, whole or compressed, as MATLAB stores them:
// whole numbers in the narrowest type, short data in the small form.

import { deflateSync } from 'node:zlib'

export interface MatlabFixtureOptions {
  readonly isBigEndian?: boolean
  readonly isCompressed?: boolean
}

/** Numbers and texts become rows; an array of values a row of cells; a list of objects a row of a struct. */
export type MatlabFixtureValue = number | string | readonly number[] | { readonly cells: readonly MatlabFixtureValue[] } | { readonly struct: readonly Readonly<Record<string, MatlabFixtureValue>>[] } | { readonly raw: Buffer }

/** The bytes of a file with these variables. */
export function matlabFile(variables: Readonly<Record<string, MatlabFixtureValue>>, { isBigEndian = false, isCompressed = false }: MatlabFixtureOptions = {}): Buffer {
  const write = new MatlabWriter(isBigEndian)
  const header = Buffer.alloc(128, ' ')
  header.write('MATLAB 5.0 MAT-file, for a test')
  header.set(write.shorts(0x0100), 124)
  header.write(isBigEndian ? 'MI' : 'IM', 126)
  const elements = Object.entries(variables).map(([name, value]) => {
    const matrix = write.matrix(value, name)
    if (!isCompressed) return matrix
    const deflated = deflateSync(matrix)
    return Buffer.concat([write.words(15, deflated.length), deflated])
  })
  return Buffer.concat([header, ...elements])
}

/** Writes elements; the classes and types by their numbers in the format's description. */
export class MatlabWriter {
  readonly isBigEndian: boolean

  constructor(isBigEndian: boolean) {
    this.isBigEndian = isBigEndian
  }

  words(...values: readonly number[]): Buffer {
    const bytes = Buffer.alloc(4 * values.length)
    for (const [place, value] of values.entries()) this.isBigEndian ? bytes.writeInt32BE(value | 0, 4 * place) : bytes.writeInt32LE(value | 0, 4 * place)
    return bytes
  }

  shorts(...values: readonly number[]): Buffer {
    const bytes = Buffer.alloc(2 * values.length)
    for (const [place, value] of values.entries()) this.isBigEndian ? bytes.writeUInt16BE(value, 2 * place) : bytes.writeUInt16LE(value, 2 * place)
    return bytes
  }

  doubles(...values: readonly number[]): Buffer {
    const bytes = Buffer.alloc(8 * values.length)
    for (const [place, value] of values.entries()) this.isBigEndian ? bytes.writeDoubleBE(value, 8 * place) : bytes.writeDoubleLE(value, 8 * place)
    return bytes
  }

  element(type: number, data: Buffer): Buffer {
    if (data.length > 0 && data.length <= 4) return Buffer.concat([this.words((data.length << 16) | type), data, Buffer.alloc(4 - data.length)])
    return Buffer.concat([this.words(type, data.length), data, Buffer.alloc((8 - (data.length % 8)) % 8)])
  }

  /** `content`: the elements after the name. */
  array(matlabClass: number, shape: readonly number[], name: string, ...content: readonly Buffer[]): Buffer {
    return this.element(14, Buffer.concat([this.element(6, this.words(matlabClass, 0)), this.element(5, this.words(...shape)), this.element(1, Buffer.from(name)), ...content]))
  }

  matrix(value: MatlabFixtureValue, name = ''): Buffer {
    if (typeof value === 'number') return this.matrix([value], name)
    if (typeof value === 'string') return this.array(4, [1, value.length], name, this.element(4, this.shorts(...[...value].map((letter) => letter.charCodeAt(0)))))
    if ('raw' in value) return value.raw
    if ('cells' in value) return this.array(1, [1, value.cells.length], name, ...value.cells.map((cell) => this.matrix(cell)))
    if ('struct' in value) return this.struct(value.struct, name)
    return this.array(6, [1, value.length], name, this.#numbers(value))
  }

  struct(elements: readonly Readonly<Record<string, MatlabFixtureValue>>[], name: string): Buffer {
    const fields = Object.keys(elements[0] ?? {})
    const names = Buffer.concat(fields.map((field) => Buffer.concat([Buffer.from(field), Buffer.alloc(32 - field.length)])))
    const values = elements.flatMap((element) => fields.map((field) => this.matrix(element[field]!)))
    return this.array(2, [1, elements.length], name, this.element(5, this.words(32)), this.element(1, names), ...values)
  }

  #numbers(values: readonly number[]): Buffer {
    if (values.every((value) => Number.isInteger(value) && value >= 0 && value < 256)) return this.element(2, Buffer.from(values))
    if (values.every((value) => Number.isInteger(value) && value >= 0 && value < 65536)) return this.element(4, this.shorts(...values))
    return this.element(9, this.doubles(...values))
  }
}
