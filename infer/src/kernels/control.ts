// Small pieces of control that generated functions share.

import { branchIf, i32Const, i32EqualsZero, i32LessUnsigned, i32Subtract, ifThen, localGet, localSet, loop, select, type Code } from './assembler.js'

/** The same code for each index, one after the other. */
export const each = (count: number, code: (index: number) => Code): Code => Array.from({ length: count }, (_, index) => code(index)).flat()

/** The smaller of two unsigned numbers, on the stack. */
export const minimum = (x: Code, y: Code): Code => [...x, ...y, ...x, ...y, ...i32LessUnsigned, ...select]

/** Runs the body while `left` ≥ count, and takes count from it each time. */
export function whileAtLeast(left: number, count: number, body: Code): Code {
  const isEnough: Code = [...i32Const(count - 1), ...localGet(left), ...i32LessUnsigned]
  return [...isEnough, ...ifThen(loop(body, localGet(left), i32Const(count), i32Subtract, localSet(left), isEnough, branchIf(0)))]
}

export function ifEqual(local: number, value: number, body: Code): Code {
  return [...localGet(local), ...i32Const(value), ...i32Subtract, ...i32EqualsZero, ...ifThen(body)]
}
