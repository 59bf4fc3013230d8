// A compiled network in memory of its own: copies the input in, runs, copies the outputs out.

import type { CompiledNetwork, TensorPlace } from '../compiler/compile.js'
import { networkModule } from '../compiler/compile.js'
import { plainSimd, type Variant } from '../kernels/network/kernel.js'

export interface Session {
  /** The outputs [batch, …] by name, for an input [batch, height, width, channels] of at most the compiled batch. */
  run(input: Float32Array, batch: number): Map<string, Float32Array>
}

const pageBytes = 65536

/** @throws RangeError where there is no memory */
export function openSession(network: CompiledNetwork, variant: Variant = plainSimd): Session {
  const arena = Math.ceil(network.weights.byteLength / 64) * 64
  const pages = Math.ceil((arena + network.arenaBytes) / pageBytes)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
  new Float32Array(memory.buffer, 0, network.weights.length).set(network.weights)
  const module = new WebAssembly.Module(networkModule(network, variant))
  const { exports } = new WebAssembly.Instance(module, { env: { memory, weights: 0, arena } })
  const run = exports['run'] as (batch: number) => void
  const floats = new Float32Array(memory.buffer, arena)
  return {
    run(input, batch) {
      writeTensor(floats, network.input, input, batch)
      run(batch)
      return new Map(network.outputs.map((output) => [output.name, readTensor(floats, output, batch)]))
    },
  }
}

/** Copies [batch, …] into its place, row by row where its rows lie together. */
function writeTensor(arena: Float32Array, { offsetBytes, layout }: TensorPlace, values: Float32Array, batch: number): void {
  const begin = offsetBytes / 4
  if (layout.pixelBytes !== 4 * layout.channels) arena.fill(0, begin, begin + (batch * layout.imageBytes) / 4) // the spare lanes of each pixel
  eachRun(layout, batch, (at, from, length) => arena.set(values.subarray(from, from + length), begin + at))
}

function readTensor(arena: Float32Array, { offsetBytes, layout }: TensorPlace, batch: number): Float32Array {
  const values = new Float32Array(batch * layout.height * layout.width * layout.channels)
  eachRun(layout, batch, (at, from, length) => values.set(arena.subarray(offsetBytes / 4 + at, offsetBytes / 4 + at + length), from))
  return values
}

/** The runs of a tensor that lie together: (place in the layout, place in the dense tensor, length), in floats. */
function eachRun({ height, width, channels, pixelBytes, rowBytes, imageBytes }: TensorPlace['layout'], batch: number, copy: (at: number, from: number, length: number) => void): void {
  const isRow = pixelBytes === 4 * channels
  let from = 0
  for (let image = 0; image < batch; image++) {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < (isRow ? 1 : width); column++) {
        const length = isRow ? width * channels : channels
        copy((image * imageBytes + row * rowBytes + column * pixelBytes) / 4, from, length)
        from += length
      }
    }
  }
}
