// The dlib-xml source: boxes past the image, ignored, inverted and unlabelled ones, encodings, and damage.

import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openSource, PipelineError, type BoxesLabel, type OpenSourceOptions, type Source } from '@millrace/pipeline'
import { realData } from '../../support.js'
import { collect, outcome, reason } from '../collect.js'
import { createPng } from '../digit-struct-fixture.js'

const open = (path: string, options: OpenSourceOptions = {}): Promise<Source> => openSource('dlib-xml', path, options)
const head = "<?xml version='1.0' encoding='ISO-8859-1'?>\n<?xml-stylesheet type='text/xsl' href='x.xsl'?>\n"
const wrap = (images: string): string => `${head}<dataset>\n<name>x &amp; y</name>\n<images>\n${images}\n</images>\n</dataset>`

async function prepare(t: { testdir(): string }): Promise<(xml: string | Uint8Array) => string> {
  const folder = t.testdir()
  for (const name of ['a.png', 'b.png', 'é.png']) writeFileSync(join(folder, name), await createPng(60, 40))
  return (xml) => {
    writeFileSync(join(folder, 'x.xml'), xml)
    return join(folder, 'x.xml')
  }
}

const boxes = `<image file='a.png'>
  <box top='-4' left='-6' width='12' height='12'><label>rear</label></box>
  <box top='36' left='54' width='12' height='8' ignore='1'><label>front</label><part name='0' x='1' y='2'/><part name='1' x='3' y='4'/></box>
  <box top='10' left='10' width='0' height='5'/>
  <box top='10' left='10' width='-5' height='5'/>
  <box top='10' left='70' width='5' height='5'/>
</image>
<image file='b.png' width='60' height='40'/>`

t.test('left + width before clamping; bad boxes dropped and counted; ignored ones kept; landmarks counted', async (t) => {
  const write = await prepare(t)
  const source = await open(write(wrap(boxes)))
  t.same([source.labelKind, source.classNames, await source.count()], ['boxes', ['front', 'object', 'rear'], 2])
  const samples = await collect(source)
  t.same(samples[0]!.label, {
    kind: 'boxes',
    width: 60,
    height: 40,
    boxes: [{ class: 2, xmin: 0, ymin: 0, xmax: 0.1, ymax: 0.2 }, { class: 0, xmin: 0.9, ymin: 0.9, xmax: 1, ymax: 1, ignore: true }],
  })
  t.match(samples[0]!.adjusted, /2 of its boxes reached past .* 3 of its boxes were dropped/)
  t.same((samples[1]!.label as BoxesLabel).boxes, [])
  t.same(Object.fromEntries(source.ignored!), { 'inverted or empty box': 2, 'box outside its image': 1, 'landmark (part)': 2 })
  const strict = await open(write(wrap(boxes)), { badBoxes: 'reject' })
  t.match(await reason((await collect(strict))[0]!), /x\.xml line 9: expected a box with xmin < xmax/)
})

t.test('entries that cannot be used reject with their line', async (t) => {
  const write = await prepare(t)
  const rows = [
    "<image file='a.png'><box top='1' left='1' width='x' height='2'/></image>",
    "<image/>",
    "<image file='b.png'><box top='1' left='1' width='2' height='2'><label>cat</label></box></image>",
    "<image file='b.png'/>",
    "<image file='../b.png'/>",
    "<image file='c.png'/>",
    "<image file='é.png' width='30' height='20'><box top='1' left='3' width='3' height='2'><label>cat</label></box></image>",
    "<image file='./b.png' width='40' height='60'/>",
  ]
  const source = await open(write(wrap(rows.join('\n'))))
  const samples = await collect(source)
  t.same(await Promise.all(samples.map(async (sample) => (await outcome(sample)).replace(/^[^P].*/s, 'read'))), ['PIPE_ANNOTATION', 'PIPE_ANNOTATION', 'read', 'PIPE_ANNOTATION', 'PIPE_NAME_OUTSIDE', 'PIPE_IMAGE_MISSING', 'read', 'PIPE_ANNOTATION'])
  t.match(await reason(samples[0]!), /line 6: expected a box whose width is a number, found "x"/)
  t.match(await reason(samples[3]!), /line 9: .*"b\.png" again, as in line 8/)
  t.same((samples[6]!.label as BoxesLabel).boxes, [{ class: 0, xmin: 0.1, ymin: 0.05, xmax: 0.2, ymax: 0.15 }], 'annotated at half the size')
  t.match(samples[6]!.adjusted, /30x20.*60x40/)
  writeFileSync(write('').replace('x.xml', 'names'), 'dog\n')
  const named = await open(write(wrap(rows[2]!)), { classNames: write(wrap(rows[2]!)).replace('x.xml', 'names') })
  t.match(await reason((await collect(named))[0]!), /one of 1 class names, found "cat"/)
})

t.test('encodings: UTF-8 whatever is declared, real Latin-1 where declared', async (t) => {
  const write = await prepare(t)
  const xml = wrap("<image file='é.png'/>")
  for (const bytes of [Buffer.from(xml), Buffer.from(xml, 'latin1'), Buffer.from(xml.replace(head, '')), Buffer.from(`\ufeff${xml.replace('ISO-8859-1', 'UTF-8')}`), Buffer.from(xml.replace('é', '&#233;'))]) {
    t.same((await collect(await open(write(bytes)))).map(({ key }) => key), ['é.png'])
  }
  await t.rejects(open(write(Buffer.from(xml.replace(head, ''), 'latin1'))), { code: 'PIPE_ANNOTATION', message: /line 4: expected text in UTF-8/ })
  await t.rejects(open(write(xml.replace('ISO-8859-1', 'UTF-16'))), { code: 'PIPE_ANNOTATION', message: /UTF-16/ })
})

t.test('hostile and damaged XML: typed errors, nothing expanded', async (t) => {
  const write = await prepare(t)
  const bomb = '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><dataset><images><image file="&b;"/></images></dataset>'
  for (const [xml, message] of [
    [bomb, /no declarations/],
    ['<!DOCTYPE d SYSTEM "file:///x"><dataset><image file="&x;"/></dataset>', /Invalid character entity/],
    ['<a>'.repeat(100), /64 deep/],
    [`<dataset><image ${Array.from({ length: 200 }, (_, at) => `a${at}="1"`).join(' ')}/></dataset>`, /at most 100 attributes/],
    [`<dataset><image file="${'x'.repeat(2 ** 20)}"/></dataset>`, /Max buffer length/],
    ['<dataset><images><image file="a.png"></images></dataset>', /close tag/],
    [wrap(boxes).slice(0, -20), /line 14: expected well-formed XML/],
    ['', /no element/],
    ['plain text', /line 1/],
    ['\0\0\0', /line 1/],
  ] as const) await t.rejects(open(write(xml)), { code: 'PIPE_ANNOTATION', message }, xml.slice(0, 60))
  await t.rejects(open(write(wrap(''))), { code: 'PIPE_EMPTY' })
  await t.rejects(open('none.xml'), { code: 'PIPE_SOURCE_MISSING' })
  const whole = wrap(boxes)
  for (let length = 0; length < whole.length; length += 5) {
    const error = await open(write(whole.slice(0, length))).then(() => undefined, (reason: unknown) => reason)
    if (!(error instanceof PipelineError)) t.fail(`cut at ${length}: ${error}`)
  }
})

t.test('a long file streams', async (t) => {
  const write = await prepare(t)
  const source = await open(write(wrap(Array.from({ length: 20_000 }, (_, at) => `<image file='${at}.png'><box top='1' left='1' width='9' height='9'/></image>`).join('\n'))))
  t.equal(await source.count(), 20_000)
  let last = ''
  for await (const { key } of source.outlines!()) last = key
  t.equal(last, '19999.png')
})

const faces = realData('annotations/dlib/training.xml')
t.test("dlib's faces", { skip: faces.skip }, async (t) => {
  const source = await open(faces.path)
  t.same([source.classNames, await source.count()], [['object'], 4])
  const samples = await collect(source)
  t.same(samples.map(({ key, label }) => `${key} ${(label as BoxesLabel).boxes.length}`), ['2007_007763.jpg 7', '2008_002079.jpg 6', '2008_001009.jpg 2', '2008_001322.jpg 3'])
  t.same((samples[0]!.label as BoxesLabel).boxes[0], { class: 0, xmin: 194 / 500, ymin: 90 / 375, xmax: 231 / 500, ymax: 127 / 375 })
  for (const sample of samples) t.ok((await outcome(sample)).startsWith('\xff\xd8'))
})
