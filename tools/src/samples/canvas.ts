// A picture in the making: red, green and blue as 32-bit floats (0..255 when done), so that light, blur
// and noise add up without rounding until the end.

import type { RawImage } from '@millrace/infer'
import type { Coverage } from './coverage.js'
import { createRandom, type Random } from './random.js'

/** Red, green, blue, 0..255. */
export type Colour = readonly [red: number, green: number, blue: number]

/** Brightness as an eye weighs it: ITU-R BT.601. */
export function luma([red, green, blue]: Colour): number {
  return 0.299 * red + 0.587 * green + 0.114 * blue
}

/** A canvas [height, width, 3], black at first. */
export class Canvas {
  readonly pixels: Float32Array

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.pixels = new Float32Array(width * height * 3)
  }

  /** Sets every pixel from its place. */
  paint(colourAt: (x: number, y: number) => Colour): void {
    for (let y = 0, place = 0; y < this.height; y++) {
      for (let x = 0; x < this.width; x++, place += 3) this.pixels.set(colourAt(x, y), place)
    }
  }

  /** Copies `image` to (left, top), inside the canvas. */
  place(image: RawImage, left: number, top: number): void {
    for (let y = 0; y < image.height; y++) {
      const row = image.data.subarray(y * image.width * 3, (y + 1) * image.width * 3)
      this.pixels.set(row, ((top + y) * this.width + left) * 3)
    }
  }

  /** Lays `colour` over the picture where `coverage` says; parts outside the picture fall away. */
  fill(coverage: Coverage, colour: Colour, opacity = 1): void {
    const left = Math.max(0, coverage.left)
    const right = Math.min(this.width, coverage.left + coverage.width)
    const bottom = Math.min(this.height, coverage.top + coverage.height)
    for (let y = Math.max(0, coverage.top); y < bottom; y++) {
      const row = (y - coverage.top) * coverage.width - coverage.left
      for (let x = left; x < right; x++) {
        const alpha = coverage.alpha[row + x]! * opacity
        const place = (y * this.width + x) * 3
        for (let channel = 0; channel < 3; channel++) {
          this.pixels[place + channel]! += alpha * (colour[channel]! - this.pixels[place + channel]!)
        }
      }
    }
  }

  /** Multiplies every pixel by the light at its place. */
  light(lightAt: (x: number, y: number) => number): void {
    for (let y = 0, place = 0; y < this.height; y++) {
      for (let x = 0; x < this.width; x++) {
        const light = lightAt(x, y)
        for (let channel = 0; channel < 3; channel++) this.pixels[place++]! *= light
      }
    }
  }

  /** Gaussian blur of standard deviation `sigma` pixels, along rows and then columns; the edge repeats. */
  blur(sigma: number): void {
    const kernel = gaussianKernel(sigma)
    this.convolve(kernel, this.width, this.height, 3, this.width * 3)
    this.convolve(kernel, this.height, this.width, this.width * 3, 3)
  }

  /** Sensor noise of standard deviation `deviation`: mostly the same in all channels, a little in each. */
  addNoise(random: Random, deviation: number): void {
    for (let place = 0; place < this.pixels.length; place += 3) {
      const bits = random() * 4294967296
      const shared = 0.9 * deviation * normal[bits >>> 16]!
      for (let channel = 0; channel < 3; channel++) {
        this.pixels[place + channel]! += shared + 0.45 * deviation * normal[(bits + channel) & 0xffff]!
      }
    }
  }

  /** The picture in 8 bits, rounded and clamped. */
  toImage(): RawImage {
    return { data: new Uint8Array(Uint8ClampedArray.from(this.pixels).buffer), width: this.width, height: this.height, channels: 3 }
  }

  /** Convolves `lines` lines of `count` pixels, `step` apart along a line and `lineStep` between lines. */
  private convolve(kernel: Float32Array, count: number, lines: number, step: number, lineStep: number): void {
    const radius = (kernel.length - 1) / 2
    const line = new Float32Array(count + 2 * radius)
    for (let first = 0; first < lines * 3; first++) {
      const start = Math.floor(first / 3) * lineStep + (first % 3)
      for (let place = 0; place < count; place++) line[place + radius] = this.pixels[start + place * step]!
      line.fill(line[radius]!, 0, radius).fill(line[count + radius - 1]!, count + radius)
      for (let place = 0; place < count; place++) {
        let sum = 0
        for (let tap = 0; tap < kernel.length; tap++) sum += kernel[tap]! * line[place + tap]!
        this.pixels[start + place * step] = sum
      }
    }
  }
}

/** 65,536 draws from a normal distribution: 16 random bits choose one, much faster than computing one. */
const normal = Float32Array.from({ length: 65536 }, drawGaussian(createRandom(0, 0, 0)))

/** Box and Muller 1958, one of the pair. */
function drawGaussian(random: Random): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

function gaussianKernel(sigma: number): Float32Array {
  const radius = Math.max(1, Math.ceil(2.5 * sigma))
  const kernel = Float32Array.from({ length: 2 * radius + 1 }, (_, tap) => Math.exp(-0.5 * ((tap - radius) / sigma) ** 2))
  const sum = kernel.reduce((total, weight) => total + weight, 0)
  return kernel.map((weight) => weight / sum)
}
