// Loops over rows of channels, four channels at a time, for batch normalisation and max pooling: a few
// vector instructions where JavaScript takes as many for one value. All addresses and steps are in
// bytes. Each kernel's formula stands in its type; the *-reference files do the same in plain loops.

import { assembler } from '@millrace/infer/kernels'

const {
  advance, buildModule, f32x4Add, f32x4Equal, f32x4Greater, f32x4Multiply, f32x4PseudoMaximum, f32x4Subtract, i32Const, localGet,
  localSet, repeat, v128And, v128AndNot, v128Load, v128Store,
} = assembler
type Code = assembler.Code
type FunctionSpec = assembler.FunctionSpec

/** Kernels on the four channels at the given addresses of `rows` rows, `step` apart. */
export interface RowKernels {
  /** out[0] = Σ (x − origin), out[1] = Σ (x − origin)² (two vectors). */
  readonly sumMoments: (x: number, step: number, rows: number, origin: number, out: number) => void
  /** y = x·scale + shift */
  readonly scaleShift: (x: number, y: number, step: number, rows: number, scale: number, shift: number) => void
  /** y = max(x·scale + shift, 0); NaN stays NaN, so that a network that diverges is found out. */
  readonly scaleShiftRectify: (x: number, y: number, step: number, rows: number, scale: number, shift: number) => void
  /** y = max(x, 0) for vectors that follow each other; NaN stays NaN. */
  readonly rectify: (x: number, y: number, vectors: number) => void
  /** out[0] = Σ dy, out[1] = Σ dy·(x − mean) */
  readonly sumGradients: (dy: number, x: number, y: number, step: number, rows: number, mean: number, out: number) => void
  /** The same where y > 0. */
  readonly sumGradientsRectified: (dy: number, x: number, y: number, step: number, rows: number, mean: number, out: number) => void
  /** dx = a·dy + b·x + c; `abc` is three vectors. */
  readonly combine: (dy: number, x: number, y: number, dx: number, step: number, rows: number, abc: number) => void
  /** dx = a·(dy where y > 0, else 0) + b·x + c */
  readonly combineRectified: (dy: number, x: number, y: number, dx: number, step: number, rows: number, abc: number) => void
  /**
   * One place of max pooling windows: where x equals the window's largest value y, moves what is left of
   * dy to dx. y and `left` lie `step` apart from window to window, x and dx `xStep`.
   */
  readonly passToLargest: (x: number, y: number, left: number, dx: number, step: number, xStep: number, windows: number) => void
}

let compiled: WebAssembly.Module | undefined

/** The kernels on this memory. */
export function createRowKernels(memory: WebAssembly.Memory): RowKernels {
  compiled ??= new WebAssembly.Module(buildModule([
    sumMoments(), scaleShift(false), scaleShift(true), rectify(), sumGradients(false), sumGradients(true), combine(false), combine(true), passToLargest(),
  ]))
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as RowKernels
}

/** A kernel with i32 parameters and vector locals, which start as zero. */
function kernel(name: string, parameters: number, vectors: number, body: Code): FunctionSpec {
  return { name, parameters: new Array<'i32'>(parameters).fill('i32'), locals: new Array<'v128'>(vectors).fill('v128'), body, exported: true }
}

const load = (address: number, offset = 0): Code => [...localGet(address), ...v128Load(offset)]
const loadInto = (local: number, address: number, offset = 0): Code => [...load(address, offset), ...localSet(local)]
const store = (address: number, value: Code, offset = 0): Code => [...localGet(address), ...value, ...v128Store(offset)]
const addTo = (local: number, value: Code): Code => [...localGet(local), ...value, ...f32x4Add, ...localSet(local)]
const times = (left: Code, right: Code): Code => [...left, ...right, ...f32x4Multiply]
const plus = (left: Code, right: Code): Code => [...left, ...right, ...f32x4Add]

function sumMoments(): FunctionSpec {
  const [x, step, rows, origin, out, sum, squares, value, start] = [0, 1, 2, 3, 4, 5, 6, 7, 8]
  return kernel('sumMoments', 5, 4, [
    ...loadInto(start, origin),
    ...repeat(
      rows, load(x), localGet(start), f32x4Subtract, localSet(value),
      addTo(sum, localGet(value)), addTo(squares, times(localGet(value), localGet(value))), advance(x, localGet(step)),
    ),
    ...store(out, localGet(sum)), ...store(out, localGet(squares), 16),
  ])
}

function scaleShift(rectify: boolean): FunctionSpec {
  const [x, y, step, rows, scale, shift, factor, offset, zero] = [0, 1, 2, 3, 4, 5, 6, 7, 8]
  const value = plus(times(load(x), localGet(factor)), localGet(offset))
  return kernel(rectify ? 'scaleShiftRectify' : 'scaleShift', 6, 3, [
    ...loadInto(factor, scale), ...loadInto(offset, shift),
    ...repeat(
      rows, store(y, rectify ? [...value, ...localGet(zero), ...f32x4PseudoMaximum] : value), advance(x, localGet(step)), advance(y, localGet(step)),
    ),
  ])
}

function rectify(): FunctionSpec {
  const [x, y, vectors, zero] = [0, 1, 2, 3]
  return kernel('rectify', 3, 1, repeat(
    vectors, store(y, [...load(x), ...localGet(zero), ...f32x4PseudoMaximum]), advance(x, i32Const(16)), advance(y, i32Const(16)),
  ))
}

/** dy, or with `rectified` dy where y > 0 and 0 elsewhere. */
const gradient = (dy: number, y: number, zero: number, rectified: boolean): Code =>
  rectified ? [...load(dy), ...load(y), ...localGet(zero), ...f32x4Greater, ...v128And] : load(dy)

function sumGradients(rectified: boolean): FunctionSpec {
  const [dy, x, y, step, rows, mean, out, sum, products, average, value, zero] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
  return kernel(rectified ? 'sumGradientsRectified' : 'sumGradients', 7, 5, [
    ...loadInto(average, mean),
    ...repeat(
      rows, gradient(dy, y, zero, rectified), localSet(value), addTo(sum, localGet(value)),
      addTo(products, times(localGet(value), [...load(x), ...localGet(average), ...f32x4Subtract])),
      advance(dy, localGet(step)), advance(x, localGet(step)), advance(y, localGet(step)),
    ),
    ...store(out, localGet(sum)), ...store(out, localGet(products), 16),
  ])
}

function combine(rectified: boolean): FunctionSpec {
  const [dy, x, y, dx, step, rows, abc, a, b, c, zero] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
  return kernel(rectified ? 'combineRectified' : 'combine', 7, 4, [
    ...loadInto(a, abc), ...loadInto(b, abc, 16), ...loadInto(c, abc, 32),
    ...repeat(
      rows,
      store(dx, plus(plus(times(gradient(dy, y, zero, rectified), localGet(a)), times(load(x), localGet(b))), localGet(c))),
      advance(dy, localGet(step)), advance(x, localGet(step)), advance(y, localGet(step)), advance(dx, localGet(step)),
    ),
  ])
}

function passToLargest(): FunctionSpec {
  const [x, y, left, dx, step, xStep, windows, isLargest, value] = [0, 1, 2, 3, 4, 5, 6, 7, 8]
  return kernel('passToLargest', 7, 2, [
    ...repeat(
      windows,
      load(x), load(y), f32x4Equal, localSet(isLargest),
      load(left), localGet(isLargest), v128And, localSet(value),
      store(dx, plus(load(dx), localGet(value))),
      store(left, [...load(left), ...localGet(isLargest), ...v128AndNot]),
      advance(x, localGet(xStep)), advance(dx, localGet(xStep)), advance(y, localGet(step)), advance(left, localGet(step)),
    ),
  ])
}
