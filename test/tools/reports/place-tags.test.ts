// Names of boxes stay inside the image and never lie over each other; colours differ.

import t from 'tap'
import fc from 'fast-check'
import { classColour } from '../../../../tools/dist/reports/class-colour.js'
import { shortenText, textWidth } from '../../../../tools/dist/reports/outline-text.js'
import { placeTags } from '../../../../tools/dist/reports/place-tags.js'

const share = fc.double({ min: 0, max: 1, noNaN: true })
const mark = fc.tuple(share, share, share, share, fc.string({ maxLength: 30 })).map(([a, b, c, d, name]) => ({
  class: 0, name, ignore: false, xmin: Math.min(a, b), xmax: Math.max(a, b), ymin: Math.min(c, d), ymax: Math.max(c, d),
}))

t.test('any boxes', (t) => {
  fc.assert(fc.property(fc.array(mark, { maxLength: 40 }), fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 500 }), (marks, width, height) => {
    const tags = placeTags(marks, { width, height, tagHeight: 16, widthOf: (name) => 8 * name.length + 8 })
    for (const [index, { left, top, width: across, height: down }] of tags.entries()) {
      if (left < 0 || top < 0 || left + across > width + 1e-6 || top + down > height + 1) return false
      for (const other of tags.slice(index + 1)) {
        if (left < other.left + other.width && other.left < left + across && top < other.top + other.height && other.top < top + down) return false
      }
    }
    return true
  }))
  t.end()
})

t.test('a name stands above its box, or within where there is no room above', (t) => {
  const box = { class: 0, name: 'ab', ignore: false, xmin: 0.5, xmax: 0.9 }
  const sizes = { width: 100, height: 100, tagHeight: 16, widthOf: () => 20 }
  t.match(placeTags([{ ...box, ymin: 0.5, ymax: 0.8 }], sizes), [{ left: 50, top: 34 }])
  t.match(placeTags([{ ...box, ymin: 0, ymax: 0.8 }], sizes), [{ left: 50, top: 0 }])
  t.end()
})

t.test('a line is cut where its room ends', (t) => {
  t.equal(shortenText('abc', 10, 1000), 'abc')
  const cut = shortenText('abcdefghij', 10, textWidth('abcde', 10))
  t.equal(cut, 'abcd…')
  t.ok(textWidth(cut, 10) <= textWidth('abcde', 10) + 1e-6)
  t.ok(shortenText('x'.repeat(1e6), 10, 100).length < 20)
  t.end()
})

t.test('a colour for every number', (t) => {
  const colours = Array.from({ length: 40 }, (_, number) => classColour(number))
  t.equal(new Set(colours).size, 40)
  for (const number of [-1, 0.5, 1e9, NaN, Infinity, ...colours.keys()]) t.match(classColour(number), /^#[0-9a-f]{6}$/)
  t.end()
})
