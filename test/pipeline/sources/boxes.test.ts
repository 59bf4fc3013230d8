// The one place where boxes are checked.

import t from 'tap'
import fc from 'fast-check'
import { annotateBoxes, boxesLabel, PipelineError, type AnnotatedBox, type BoxesLabel, type BoxesOptions } from '@millrace/pipeline'

const size = { width: 40, height: 20 }
const options: BoxesOptions = { unit: 'pixels', from: 'here', badBoxes: 'reject' }
const box = (xmin: number, ymin: number, xmax: number, ymax: number): AnnotatedBox => ({ class: 1, xmin, ymin, xmax, ymax })

t.test('pixels, shares, clamping', (t) => {
  t.same(boxesLabel([{ ...box(4, 5, 20, 10), ignore: true }], size, options), {
    label: { kind: 'boxes', ...size, boxes: [{ class: 1, xmin: 0.1, ymin: 0.25, xmax: 0.5, ymax: 0.5, ignore: true }] },
    regions: [{ left: 4, top: 5, width: 16, height: 5 }],
  })
  const clamped = boxesLabel([box(-0.5, 0.5, 0.5, 3), box(0, 0, 1, 1)], size, { ...options, unit: 'share' })
  t.same(clamped.regions, [{ left: 0, top: 10, width: 20, height: 10 }, { left: 0, top: 0, width: 40, height: 20 }])
  t.equal(clamped.adjusted, '1 of its boxes reached past the image of 40x20 and were clamped')
  t.end()
})

t.test('what cannot be: rejected, or dropped and counted', (t) => {
  const bad: [AnnotatedBox, string, RegExp][] = [
    [box(5, 5, 5, 9), 'PIPE_BOX', /here: expected a box with xmin < xmax and ymin < ymax, found 5,5 to 5,9/],
    [box(9, 5, 5, 9), 'PIPE_BOX', /9,5 to 5,9/],
    [box(NaN, 5, 5, 9), 'PIPE_BOX', /NaN/],
    [box(0, 5, Infinity, 9), 'PIPE_BOX', /Infinity/],
    [box(40, 5, 50, 9), 'PIPE_BOX_OUTSIDE', /40x20, found 40,5 to 50,9 \(pixels\)/],
    [box(-9, -9, -1, 0), 'PIPE_BOX_OUTSIDE', /overlap/],
    [{ ...box(9, 5, 5, 9), from: 'line 7' }, 'PIPE_BOX', /^line 7: /],
  ]
  for (const [each, code, message] of bad) t.throws(() => boxesLabel([box(1, 1, 2, 2), each], size, options), { code, message })
  const ignored = new Map<string, number>()
  const { label, adjusted, regions } = boxesLabel([...bad.map(([each]) => each), box(1, 1, 2, 2)], size, { ...options, badBoxes: 'drop', ignored })
  t.same([(label as BoxesLabel).boxes.length, regions!.length], [1, 1])
  t.same([...ignored], [['inverted or empty box', 5], ['box outside its image', 2]])
  t.match(adjusted, /^7 of its boxes were dropped: here: /)
  for (const number of [-1, 0.5, NaN, 2]) t.throws(() => boxesLabel([{ ...box(1, 1, 2, 2), class: number }], size, { ...options, badBoxes: 'drop', classCount: 2 }), { code: 'PIPE_LABEL', message: /from 0 to 1/ })
  t.end()
})

t.test('any box at all gives shares from 0 to 1, or a typed error', (t) => {
  const edge = fc.oneof(fc.double({ min: -60, max: 60, noNaN: true }), fc.double(), fc.integer({ min: -2, max: 42 }))
  fc.assert(fc.property(edge, edge, edge, edge, fc.constantFrom('pixels' as const, 'share' as const), (xmin, ymin, xmax, ymax, unit) => {
    try {
      const found = (boxesLabel([box(xmin, ymin, xmax, ymax)], size, { ...options, unit }).label as BoxesLabel).boxes[0]!
      return found.xmin >= 0 && found.ymin >= 0 && found.xmax <= 1 && found.ymax <= 1 && found.xmin <= found.xmax && found.ymin <= found.ymax
    } catch (error) {
      return error instanceof PipelineError && error.code.startsWith('PIPE_BOX')
    }
  }))
  t.end()
})

t.test('before the size is known, the classes hold', (t) => {
  const { label, toLabel } = annotateBoxes([box(1, 1, 2, 2)], undefined, options)
  t.match(label, { kind: 'boxes', boxes: [{ class: 1 }] })
  t.same(toLabel!(size).regions, [{ left: 1, top: 1, width: 1, height: 1 }])
  t.match(annotateBoxes([box(2, 1, 1, 2)], size, options), { error: { code: 'PIPE_BOX' }, label: { boxes: [{ class: 1 }] } })
  t.end()
})
