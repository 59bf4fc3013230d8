// Numbers on the command line mean the same in every command.

import t from 'tap'
import { parseBytes, parseCount, parseShare, parseWhole } from '../../../tools/dist/number-options.js'

t.test('whole numbers, from 0 or from 1', (t) => {
  t.same([parseWhole('0'), parseWhole('42'), parseCount('1'), parseCount('999999999999999')], [0, 42, 1, 999999999999999])
  for (const text of ['', ' 5', '-1', '1.5', '1e3', '0x10', '9999999999999999']) {
    t.throws(() => parseWhole(text), /Expected a whole number from 0/)
    t.throws(() => parseCount(text), /Expected a whole number from 1/)
  }
  t.throws(() => parseCount('0'), /Expected a whole number from 1/)
  t.end()
})

t.test('shares from 0 to below 1', (t) => {
  t.same([parseShare('0'), parseShare('0.25')], [0, 0.25])
  for (const text of ['', '1', '-0.1', 'x']) t.throws(() => parseShare(text), /Expected a share/)
  t.end()
})

t.test('sizes: units of 1,000, and of 1,024 with an i', (t) => {
  t.same(['500000', '64MB', '64M', '1GiB', '1.5k'].map(parseBytes), [500000, 64e6, 64e6, 2 ** 30, 1500])
  for (const text of ['', '0', '0.4', 'MB', '1X']) t.throws(() => parseBytes(text), /Expected a size/)
  t.end()
})
