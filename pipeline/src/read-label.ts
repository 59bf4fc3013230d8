// A label out of the numbers that a record holds: label.ts the other way round.

import type { ClassBox, Label, LabelKind } from './label.js'

/**
 * The label that these numbers stand for; undefined where they are none of that kind. Of a number of six
 * digits five are known, and so given. Boxes of class −1, with which MXNet fills labels up, are left out;
 * where no size of the image stands before the boxes, width and height are 0.
 */
export function readLabel(kind: LabelKind, numbers: ArrayLike<number>): Label | undefined {
  const values = Array.from(numbers)
  if (kind === 'class') return values.length === 1 ? { kind, value: values[0]! } : undefined
  if (kind === 'values') return { kind, values }
  return kind === 'digits' ? readDigits(values) : readBoxes(values)
}

function readDigits([length = -1, ...places]: readonly number[]): Label | undefined {
  const digits = places.slice(0, Math.max(0, length))
  const isRight = Number.isInteger(length) && length >= 0 && digits.length === Math.min(length, places.length)
  return isRight && digits.every((digit) => Number.isInteger(digit) && digit >= 0 && digit <= 9) ? { kind: 'digits', digits } : undefined
}

/** [header width, object width, width, height, …], then objects: class, xmin, ymin, xmax, ymax, perhaps ignore, … */
function readBoxes(values: readonly number[]): Label | undefined {
  const [headerWidth = 0, objectWidth = 0, width = 0, height = 0] = values
  const count = (values.length - headerWidth) / objectWidth
  if (![headerWidth, objectWidth, count].every(Number.isInteger) || headerWidth < 2 || objectWidth < 5 || count < 0) return undefined
  const boxes = Array.from({ length: count }, (_, index): ClassBox => {
    const [number = -1, xmin = 0, ymin = 0, xmax = 0, ymax = 0, ignore = 0] = values.slice(headerWidth + index * objectWidth, headerWidth + (index + 1) * objectWidth)
    return { class: number, xmin, ymin, xmax, ymax, ...(ignore !== 0 && { ignore: true }) }
  })
  const real = boxes.filter((box) => box.class !== -1)
  if (!real.every(({ xmin, ymin, xmax, ymax }) => [xmin, ymin, xmax, ymax].every(Number.isFinite))) return undefined
  const hasSize = headerWidth >= 4
  return { kind: 'boxes', width: hasSize ? width : 0, height: hasSize ? height : 0, boxes: real }
}
