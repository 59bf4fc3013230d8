// Writes one WebAssembly function: hands out its locals by type and lays loops, so that a kernel reads as
// what it computes.

import { i32Add, i32Const, i32Subtract, branchIf, localGet, localSet, localTee, loop, type Code, type FunctionSpec, type ValueType } from './assembler.js'

export class FunctionBuilder {
  readonly #parameters: readonly ValueType[]
  readonly #locals: ValueType[] = []

  constructor(parameters: readonly ValueType[]) {
    this.#parameters = parameters
  }

  /** The index of a new local, which starts as zero. */
  local(type: ValueType): number {
    return this.#parameters.length + this.#locals.push(type) - 1
  }

  locals(type: ValueType, count: number): number[] {
    return Array.from({ length: count }, () => this.local(type))
  }

  /** Runs the body a number of times that is known now; once without a loop. */
  times(count: number, ...body: Code[]): Code {
    if (count <= 1) return count === 1 ? body.flat() : []
    const left = this.local('i32')
    return [...i32Const(count), ...localSet(left), ...loop(...body, localGet(left), i32Const(1), i32Subtract, localTee(left), branchIf(0))]
  }

  finish(name: string, ...body: Code[]): FunctionSpec {
    return { name, parameters: this.#parameters, locals: this.#locals, body: body.flat(), exported: false }
  }
}

/** local += bytes */
export const move = (local: number, bytes: number): Code => (bytes === 0 ? [] : [...localGet(local), ...i32Const(bytes), ...i32Add, ...localSet(local)])

/** to = from + bytes */
export const point = (to: number, from: number, bytes = 0): Code => [...localGet(from), ...(bytes === 0 ? [] : [...i32Const(bytes), ...i32Add]), ...localSet(to)]
