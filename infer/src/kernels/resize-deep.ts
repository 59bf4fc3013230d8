// Resizing 16-bit images to OpenCV's values. Separable interpolation in float32: first along the rows,
// taps from left to right, then Σ b·row, rounded half to even. Of up to 4 rows the sum is formed from the
// lowest row up for the values that fill whole vectors of 8, and from the topmost down for the few after
// them; of 8 rows always from the topmost. Plain loops.

import { areaEnlargeAxis, cubicAxis, lanczosAxis, linearAxis, type Axis } from './resize-axis.js'
import { resizeArea } from './resize-area.js'
import { resizeAreaWhole } from './resize-area-whole.js'
import { checkResize, chooseResize, type PixelImage, type PixelSize, type ResizeAlgorithm, type ResizeMethod } from './resize-method.js'
import { resizeNearest } from './resize-nearest.js'

type DeepImage = PixelImage<Uint16Array>

const float = Math.fround

const resizes: Readonly<Record<ResizeAlgorithm, (image: DeepImage, to: PixelSize) => DeepImage>> = {
  copy: (image) => ({ ...image, data: image.data.slice() }),
  nearest: resizeNearest,
  bilinear: onAxes(linearAxis),
  'area-enlarge': onAxes(areaEnlargeAxis),
  'area-whole': resizeAreaWhole,
  area: resizeArea,
  cubic: onAxes(cubicAxis),
  lanczos4: onAxes(lanczosAxis),
}

/**
 * The image of 16 bits at another size, value for value as OpenCV 4.6 gives it on x86-64.
 * @throws InferError INFER_ARGUMENT for sizes that are not whole and above 0, or pixels that do not fill the image
 */
export function resizeDeepPixels(image: DeepImage, to: PixelSize, method: ResizeMethod = 'bilinear'): DeepImage {
  checkResize(image, to)
  return resizes[chooseResize(method, image, to)](image, to)
}

function onAxes(axis: (inSize: number, outSize: number) => Axis): (image: DeepImage, to: PixelSize) => DeepImage {
  return (image, to) => interpolate(image, axis(image.width, to.width), axis(image.height, to.height))
}

function interpolate(image: DeepImage, horizontal: Axis, { taps, first, weights }: Axis): DeepImage {
  const [width, height] = [horizontal.first.length, first.length]
  const rowLength = width * image.channels
  const vectorEnd = taps === 8 ? 0 : rowLength - (rowLength % 8)
  const blended = blendColumns(image, horizontal)
  const data = new Uint16Array(rowLength * height)
  for (let y = 0; y < height; y++) {
    const rows = Array.from({ length: taps }, (_, tap) => blended(first[y]! + tap))
    for (let x = 0; x < rowLength; x++) {
      let sum = 0
      for (let step = 0; step < taps; step++) {
        const tap = x < vectorEnd ? taps - 1 - step : step
        sum = float(sum + float(weights[y * taps + tap]! * rows[tap]![x]!))
      }
      data[y * rowLength + x] = roundToSample(sum)
    }
  }
  return { data, width, height, channels: image.channels }
}

/** Row y of the image (that at its edge where y lies outside) at the new width, kept as long as output rows need it. */
function blendColumns(image: DeepImage, axis: Axis): (y: number) => Float32Array {
  const kept = Array.from({ length: axis.taps }, () => ({ y: -1, row: new Float32Array(axis.first.length * image.channels) }))
  return (row) => {
    const y = clamp(row, image.height)
    const place = kept[y % axis.taps]!
    if (place.y !== y) blendRow(image, y, axis, place.row)
    place.y = y
    return place.row
  }
}

function blendRow({ data, width, channels }: DeepImage, y: number, { taps, first, weights }: Axis, out: Float32Array): void {
  for (let x = 0; x < first.length; x++) {
    // Of two taps, those beyond an edge are left out; more taps see the edge's pixel again.
    const isAlone = taps === 2 && (first[x]! < 0 || first[x]! >= width - 1)
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0
      for (let tap = 0; tap < taps; tap++) {
        const weight = isAlone ? 1 - tap : weights[x * taps + tap]!
        sum = float(sum + float(weight * data[(y * width + clamp(first[x]! + tap, width)) * channels + channel]!))
      }
      out[x * channels + channel] = sum
    }
  }
}

function clamp(place: number, size: number): number {
  return Math.min(Math.max(place, 0), size - 1)
}

/** Adding 2^52 leaves no room for a fraction, which is rounded half to even. */
function roundToSample(value: number): number {
  return Math.min(Math.max(value, 0), 65535) + 2 ** 52 - 2 ** 52
}
