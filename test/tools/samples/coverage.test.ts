// Areas are exact: of rectangles, of triangles, of shapes with holes.

import t from 'tap'
import fc from 'fast-check'
import { boundsOf, commonTypefaces, fillContours, loadTypeface, testOnlyTypefaces } from 'millrace'

const sum = (values: Float32Array): number => values.reduce((total, value) => total + value, 0)

t.test('a rectangle between pixel borders covers parts of its edge pixels', async (t) => {
  const { left, top, width, height, alpha } = fillContours([[1.5, 2.25, 3.5, 2.25, 3.5, 4, 1.5, 4]])
  t.strictSame([left, top, width, height], [1, 2, 3, 2])
  t.strictSame([...alpha], [0.375, 0.75, 0.375, 0.5, 1, 0.5])
})

t.test('a contour the other way round is a hole', async (t) => {
  const { alpha } = fillContours([
    [0, 0, 4, 0, 4, 4, 0, 4],
    [1, 1, 1, 3, 3, 3, 3, 1],
  ])
  t.equal(sum(alpha), 12)
})

t.test("a triangle's coverage adds up to its area", async (t) => {
  const place = fc.double({ min: -40, max: 40, noNaN: true })
  fc.assert(
    fc.property(fc.tuple(place, place, place, place, place, place), (points) => {
      const [ax, ay, bx, by, cx, cy] = points
      const area = Math.abs((bx - ax) * (cy - ay) - (cx - ax) * (by - ay)) / 2
      const { alpha } = fillContours([points])
      if (Math.abs(sum(alpha) - area) > 1e-3 * (1 + area)) t.fail(`${points.join(' ')}: ${sum(alpha)}, area ${area}`)
      if (alpha.some((value) => !(value >= 0 && value <= 1.00001))) t.fail(`${points.join(' ')}: coverage outside 0..1`)
    }),
  )
  t.pass('100 triangles')
})

t.test('every typeface has ten digits of about one unit', async (t) => {
  for (const name of [...commonTypefaces, ...testOnlyTypefaces]) {
    for (const digit of '0123456789') {
      const { top, bottom, left, right } = boundsOf(loadTypeface(name).glyph(digit).contours)
      if (!(top > -1.1 && top < -0.9 && bottom > -0.05 && bottom < 0.1 && right - left > 0.2 && right - left < 1.2)) t.fail(`${name} ${digit}: ${top} ${bottom} ${left} ${right}`)
    }
  }
  t.pass(`${commonTypefaces.length + testOnlyTypefaces.length} typefaces`)
})
