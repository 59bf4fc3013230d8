// OpenCV gives the same bytes, where python3-opencv is installed: 1,500 sizes of noise, of which noise
// shows every difference in rounding.

import t from 'tap'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { resizePixels, type PixelImage, type ResizeMethod } from '@millrace/infer/kernels'
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
}

for (const method of ['nearest', 'bilinear', 'cubic', 'area', 'lanczos4'] as const) {
  t.test(`${method}: as OpenCV`, { skip: withoutOpenCv() }, (t) => {
    const cases = makeCases(method, 300)
    const expected = execFileSync(python, [script], { input: cases.map((one) => JSON.stringify(one)).join('\n'), maxBuffer: 2 ** 28 })
    let at = 0
    const different = cases.filter((one) => {
      const length = one.to.width * one.to.height * one.channels
      const resized = resizePixels(noise(one), one.to, method)
      return Buffer.compare(resized.data, expected.subarray(at, (at += length))) !== 0
    })
    t.equal(at, expected.length)
    t.same(different, [])
    t.end()
  })
}

/** Any sizes, whole scales and exact halves, small and some of photo size. */
function makeCases(method: ResizeMethod, count: number): Case[] {
  const random = randomNumbers(42)
  const upTo = (limit: number): number => 1 + Math.floor(limit * random())
  return Array.from({ length: count }, (_, index) => {
    const limit = index % 50 === 0 ? 300 : 70
    const to = { width: upTo(limit), height: upTo(limit) }
    const [across, down] = index % 4 === 1 ? [2, 2] : [upTo(4), upTo(4)]
    const from = index % 2 === 1 ? { width: to.width * across, height: to.height * down } : { width: upTo(limit), height: upTo(limit) }
    return { method, ...from, channels: ([1, 3, 4] as const)[index % 3]!, to, seed: index }
  })
}

/** The same bytes as `noise` in the script: a hash of the byte's place. */
function noise({ width, height, channels, seed }: Case): PixelImage {
  const data = Uint8Array.from({ length: width * height * channels }, (_, index) => {
    const mixed = Math.imul(index + seed, 2654435761)
    return Math.imul(mixed ^ (mixed >>> 15), 2246822519) >>> 24
  })
  return { data, width, height, channels }
}

function withoutOpenCv(): string | false {
  try {
    execFileSync(python, ['-c', 'import cv2'], { stdio: 'ignore' })
    return false
  } catch {
    return 'no python3-opencv here'
  }
}
