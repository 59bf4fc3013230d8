// Resizing with a triangle filter, which is bilinear interpolation where an image grows and a weighted
// mean of all the pixels concerned where it shrinks (so nothing aliases). Along one axis, with
// scale = in / out and support = max(scale, 1):
//
//   centre(o)    = (o + 0.5) · scale                    in source pixels, whose centres lie at i + 0.5
//   weight(o, i) ∝ max(0, 1 − |i + 0.5 − centre(o)| / support),   the weights of one o summing to 1
//
// The filter is separable: an output row is first blended from whole source rows, then along itself.

import { imageTensor, type ImageTensor, type RawImage } from './image.js'
import { resizeTriangle, type AxisFilter } from './kernels/resize-triangle.js'

/** The image at another size; the aspect is not kept. Sums are in float32. */
export function resizeImage(image: RawImage | ImageTensor, width: number, height: number): ImageTensor {
  const { channels } = image
  if (channels !== 1 && channels !== 3 && channels !== 4) return resizeReference(imageTensor(image), width, height)
  return { data: resizeTriangle(image, axisFilter(image.height, height), axisFilter(image.width, width)), width, height, channels }
}

/** The reference: sums are kept in float64 and rounded once. */
export function resizeReference(tensor: ImageTensor, width: number, height: number): ImageTensor {
  const { channels } = tensor
  const vertical = axisFilter(tensor.height, height)
  const horizontal = axisFilter(tensor.width, width)
  const row = new Float64Array(tensor.width * channels)
  const data = new Float32Array(width * height * channels)
  for (let y = 0; y < height; y++) {
    blendRows(tensor.data, vertical, y, row)
    blendAlongRow(row, horizontal, channels, data, y * width * channels)
  }
  return { data, width, height, channels }
}

type Float64Filter = AxisFilter & { readonly weights: Float64Array }

/** Sets `row` to the weighted sum of the source rows that output row `y` covers. */
function blendRows(source: Float32Array, filter: Float64Filter, y: number, row: Float64Array): void {
  const length = row.length
  const end = filter.begin[y + 1]!
  let tap = filter.begin[y]!
  let start = filter.first[y]! * length
  row.fill(0)
  for (; tap + 2 <= end; tap += 2, start += 2 * length) { // two rows at once: half the loads and stores of sums
    const [upper, lower] = [filter.weights[tap]!, filter.weights[tap + 1]!]
    for (let i = 0; i < length; i++) row[i]! += upper * source[start + i]! + lower * source[start + length + i]!
  }
  if (tap < end) {
    const weight = filter.weights[tap]!
    for (let i = 0; i < length; i++) row[i]! += weight * source[start + i]!
  }
}

/** Writes the output row that `row` becomes, from `data[out]` on. */
function blendAlongRow(row: Float64Array, { first, begin, weights }: Float64Filter, channels: number, data: Float32Array, out: number): void {
  for (let x = 0; x < first.length; x++) {
    const end = begin[x + 1]!
    for (let channel = 0; channel < channels; channel++, out++) {
      let sum = 0
      for (let tap = begin[x]!, at = first[x]! * channels + channel; tap < end; tap++, at += channels) sum += weights[tap]! * row[at]!
      data[out] = sum
    }
  }
}

// Photos come in many sizes, so the cache has an end; a filter is small (about 2 · (in + out) numbers).
const cachedFilters = new Map<string, Float64Filter>()
const maxCachedFilters = 256

function axisFilter(inSize: number, outSize: number): Float64Filter {
  const key = `${inSize} ${outSize}`
  const cached = cachedFilters.get(key)
  if (cached !== undefined) return cached
  const filter = triangleFilter(inSize, outSize)
  if (cachedFilters.size >= maxCachedFilters) cachedFilters.clear()
  cachedFilters.set(key, filter)
  return filter
}

function triangleFilter(inSize: number, outSize: number): Float64Filter {
  const scale = inSize / outSize
  const support = Math.max(scale, 1)
  const first = new Int32Array(outSize)
  const begin = new Int32Array(outSize + 1)
  const weights: number[] = []
  for (let o = 0; o < outSize; o++) {
    const centre = (o + 0.5) * scale
    const weightAt = (i: number): number => 1 - Math.abs(i + 0.5 - centre) / support
    let i = Math.max(0, Math.floor(centre - support))
    while (weightAt(i) <= 0) i++
    first[o] = i
    let total = 0
    for (; i < inSize && weightAt(i) > 0; i++) total += weights[weights.push(weightAt(i)) - 1]!
    for (let tap = begin[o]!; tap < weights.length; tap++) weights[tap]! /= total
    begin[o + 1] = weights.length
  }
  return { first, begin, weights: Float64Array.from(weights) }
}
