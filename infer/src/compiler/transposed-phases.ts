// A transposed convolution as convolutions. With stride s, the rows of the result fall into s phases: row
// p + s·t gathers the kernel's rows ky ≡ p + cut (mod s) and no others, so that the phase is a convolution
// of its own with stride 1, whose result is every s-th row:
//
//   ky = r + s·j,  r = (p + cut) mod s,  q = ⌊(p + cut) / s⌋      input row = t + q − j
//
// Columns likewise. Nothing is multiplied by the zeros that the definition puts between the input's pixels.

import type { ConvolutionOperation, Operation, Program, TransposedConvolutionOperation, View } from './operation.js'

/** The program without transposed convolutions: their phases write every few pixels of the result. */
export function expandTransposed(program: Program): Program {
  const views = new Map(program.views)
  const shapes = new Map(program.shapes)
  const viewOf = (value: string, [row, column]: readonly [number, number], strides: View['strides']): string => {
    const name = `${value}[${row}::${strides[0]}, ${column}::${strides[1]}]`
    const [height, width, channels] = shapes.get(value)! as [number, number, number]
    views.set(name, { of: value, begin: [row, column], strides })
    shapes.set(name, [Math.ceil((height - row) / strides[0]), Math.ceil((width - column) / strides[1]), channels])
    return name
  }
  const phasesOf = (operation: TransposedConvolutionOperation): Operation[] => {
    const [height, width, channels] = shapes.get(operation.input)! as [number, number, number]
    const [outHeight, outWidth] = shapes.get(operation.output)! as [number, number]
    return axisPhases(height, outHeight, operation, 0).flatMap((rows) => axisPhases(width, outWidth, operation, 1).map((columns): ConvolutionOperation => {
      const place = [rows.phase, columns.phase] as const
      return {
        kind: 'convolution', input: operation.input, output: viewOf(operation.output, place, operation.strides),
        ...(operation.residual !== undefined && { residual: viewOf(operation.residual, place, operation.strides) }),
        kernel: phaseKernel(operation, rows, columns, channels), kernelSize: [Math.max(1, rows.places.length), Math.max(1, columns.places.length)],
        filters: operation.filters, strides: [1, 1], dilations: [1, 1], groups: 1, epilogue: operation.epilogue, leading: operation.leading,
        padding: { top: rows.padBefore, bottom: rows.padAfter, left: columns.padBefore, right: columns.padAfter },
      }
    }))
  }
  const operations = program.operations.flatMap((operation) => (operation.kind === 'transposedConvolution' ? phasesOf(operation) : [operation]))
  return { ...program, operations, shapes, views }
}

interface AxisPhase {
  readonly phase: number
  /** Places of the kernel that it uses, in the order of the input's rows; may be none. */
  readonly places: readonly number[]
  /** Below 0 where the first window begins within the input. */
  readonly padBefore: number
  readonly padAfter: number
}

function axisPhases(size: number, outSize: number, { kernelSize, strides, cut }: TransposedConvolutionOperation, axis: 0 | 1): AxisPhase[] {
  const stride = strides[axis]
  return Array.from({ length: Math.min(stride, outSize) }, (_, phase) => {
    const [first, skipped] = [(phase + cut[axis]) % stride, Math.floor((phase + cut[axis]) / stride)]
    const places = Array.from({ length: Math.max(0, Math.ceil((kernelSize[axis] - first) / stride)) }, (_, index) => first + stride * index).reverse()
    const count = Math.ceil((outSize - phase) / stride)
    const padBefore = Math.max(1, places.length) - 1 - skipped
    return { phase, places, padBefore, padAfter: Math.max(0, count - 1 + skipped + 1 - size) }
  })
}

/** [rows, columns, channels, filters]; one place of zeros where the kernel has none of the phase. */
function phaseKernel({ kernel, kernelSize, filters }: TransposedConvolutionOperation, rows: AxisPhase, columns: AxisPhase, channels: number): Float32Array {
  const placeValues = channels * filters
  const phase = new Float32Array(Math.max(1, rows.places.length) * Math.max(1, columns.places.length) * placeValues)
  for (const [y, ky] of rows.places.entries()) {
    for (const [x, kx] of columns.places.entries()) {
      const from = (ky * kernelSize[1] + kx) * placeValues
      phase.set(kernel.subarray(from, from + placeValues), (y * columns.places.length + x) * placeValues)
    }
  }
  return phase
}
