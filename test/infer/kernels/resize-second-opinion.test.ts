// OpenCV gives the same bytes, where python3-opencv is installed: 3,000 sizes of noise, of 8 bits and of 16;
// noise shows every difference in rounding.

import t from 'tap'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { resizeDeepPixels, resizePixels, type ResizeMethod } from '@millrace/infer/kernels'
import { randomNumbers } from '../networks.js'

const script = fileURLToPath(new URL('../../../second-opinion/resize_images.py', import.meta.url))
const python = '/usr/bin/python3'

interface Case {
  readonly method: ResizeMethod
  readonly width: number
  readonly height: number
  readonly channels: 1 | 3 | 4
  readonly to: { readonly width: number; readonly height: number }
  readonly seed: number
  readonly bits: 8 | 16
}

const methods = ['nearest', 'bilinear', 'cubic', 'area', 'lanczos4'] as const
for (const [method, bits] of methods.flatMap((method) => [[method, 8], [method, 16]] as const)) {
  t.test(`${method}, ${bits} bits: as OpenCV`, { skip: withoutOpenCv() }, (t) => {
    const cases = makeCases(method, bits, 300)
    const expected = execFileSync(python, [script], { input: cases.map((one) => JSON.stringify(one)).join('\n'), maxBuffer: 2 ** 28 })
    let at = 0
    const different = cases.filter((one) => {
      const length = (one.to.width * one.to.height * one.channels * bits) / 8
      return Buffer.compare(resizeNoise(one), expected.subarray(at, (at += length))) !== 0
    })
    t.equal(at, expected.length)
    t.same(different, [])
    t.end()
  })
}

/** Any sizes, whole scales and exact halves, small and some of photo size. */
function makeCases(method: ResizeMethod, bits: 8 | 16, count: number): Case[] {
  const random = randomNumbers(42)
  const upTo = (limit: number): number => 1 + Math.floor(limit * random())
  return Array.from({ length: count }, (_, index) => {
    const limit = index % 50 === 0 ? 300 : 70
    const to = { width: upTo(limit), height: upTo(limit) }
    const [across, down] = index % 4 === 1 ? [2, 2] : [upTo(4), upTo(4)]
    const from = index % 2 === 1 ? { width: to.width * across, height: to.height * down } : { width: upTo(limit), height: upTo(limit) }
    return { method, ...from, channels: ([1, 3, 4] as const)[index % 3]!, to, seed: index, bits }
  })
}

function resizeNoise(one: Case): Uint8Array {
  const { width, height, channels, to, method, bits } = one
  const values = noise(one)
  if (bits === 8) return resizePixels({ data: Uint8Array.from(values), width, height, channels }, to, method).data
  return new Uint8Array(resizeDeepPixels({ data: Uint16Array.from(values), width, height, channels }, to, method).data.buffer)
}

/** The same values as `noise` in the script: a hash of the value's place. */
function noise({ width, height, channels, seed, bits }: Case): number[] {
  return Array.from({ length: width * height * channels }, (_, index) => {
    const mixed = Math.imul(index + seed, 2654435761)
    return Math.imul(mixed ^ (mixed >>> 15), 2246822519) >>> (32 - bits)
  })
}

function withoutOpenCv(): string | false {
  try {
    execFileSync(python, ['-c', 'import cv2'], { stdio: 'ignore' })
    return false
  } catch {
    return 'no python3-opencv here'
  }
}
