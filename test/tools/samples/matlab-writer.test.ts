// What is written is what the MATLAB reader reads.

import t from 'tap'
import { parseMatlab } from '@millrace/pipeline'
import { encodeMatlab } from 'millrace'

t.test('numbers, text, cells and structs', async (t) => {
  const bytes = encodeMatlab({
    pi: 3.25,
    long_name_of_a_variable: 'text with ä',
    empty: '',
    list: { cells: ['one', 2, { cells: [] }] },
    annotations: { fields: ['class', 'fname'], elements: [[1, '1.jpg'], [2, '2.jpg']] },
  })
  const variables = parseMatlab(Buffer.from(bytes), 'x.mat')
  t.same([...variables.keys()], ['pi', 'long_name_of_a_variable', 'empty', 'list', 'annotations'])
  const [pi, text, empty, list, annotations] = [...variables.values()]
  t.ok(pi?.kind === 'numbers' && pi.numbers()[0] === 3.25 && pi.shape.join() === '1,1')
  t.ok(text?.kind === 'text' && text.text() === 'text with ä')
  t.ok(empty?.kind === 'text' && empty.text() === '')
  t.ok(list?.kind === 'cells' && list.cells.map(({ kind }) => kind).join() === 'text,numbers,cells')
  t.ok(annotations?.kind === 'struct' && annotations.count === 2)
  if (annotations?.kind !== 'struct') return
  t.same(annotations.fields.get('fname')!.map((each) => each.kind === 'text' && each.text()), ['1.jpg', '2.jpg'])
  t.same(annotations.fields.get('class')!.map((each) => each.kind === 'numbers' && each.numbers()[0]), [1, 2])
})

t.test('a number, byte by byte', async (t) => {
  const bytes = Buffer.from(encodeMatlab({ a: 1.5 }))
  t.equal(bytes.toString('latin1', 124, 128), '\0\x01IM')
  const expected = '0e000000' + '40000000' + '06000000' + '08000000' + '06000000' + '00000000' + '05000000' + '08000000' + '01000000' + '01000000' + '01000000' + '01000000' + '6100000000000000' + '09000000' + '08000000' + '000000000000f83f'
  t.equal(bytes.subarray(128).toString('hex'), expected)
})
