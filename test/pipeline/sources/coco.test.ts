// The coco source: any order within the file, crowds, entries that cannot be used, folders, and damage.

import t from 'tap'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { openSource, PipelineError, type BoxesLabel, type OpenSourceOptions, type Source } from '@millrace/pipeline'
import { collect, outcome, reason } from '../collect.js'
import { createPng } from '../digit-struct-fixture.js'

const open = (path: string, options: OpenSourceOptions = {}): Promise<Source> => openSource('coco', path, options)

function write(folder: string, content: unknown): string {
  const path = join(folder, 'boxes.json')
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const categories = [{ id: 7, name: 'dog', supercategory: 'animal' }, { id: 3, name: 'čat "x]' }]
const images = [{ id: 20, file_name: 'b.png', width: 60, height: 40 }, { id: 10, file_name: 'a.png' }, { id: 30, file_name: 'c.png', width: 60, height: 40 }]
const annotations = [
  { id: 1, image_id: 10, category_id: 7, bbox: [6, 4, 6, 4], iscrowd: 0, segmentation: [[1, 2, 3.5e1]] },
  { id: 2, image_id: 20, category_id: 3, bbox: [0, 0, 60, 40], iscrowd: 1, segmentation: { counts: 'a}]"\\', size: [40, 60] } },
  { id: 3, image_id: 10, category_id: 3, bbox: [-6, 20, 36, 24] },
]

async function withImages(t: { testdir(): string }): Promise<string> {
  const folder = t.testdir()
  for (const name of ['a.png', 'b.png', 'c.png']) writeFileSync(join(folder, name), await createPng(60, 40))
  return folder
}

/** [id, key, boxes, outcome up to 4 letters or the code]. */
async function rows(source: Source): Promise<unknown[][]> {
  const samples = await collect(source)
  return Promise.all(samples.map(async (sample) => {
    const result = await outcome(sample)
    const boxes = (sample.label as BoxesLabel).boxes
    return [Number(sample.id), sample.key, boxes.map((box) => `${box.class}${box.ignore ? '!' : ''}`).join(' '), result.startsWith('PIPE') ? result : 'read']
  }))
}

t.test('images, annotations and categories in any order; scattered boxes; crowds; no boxes', async (t) => {
  const folder = await withImages(t)
  const expected = [[20, 'b.png', '0!', 'read'], [10, 'a.png', '1 0', 'read'], [30, 'c.png', '', 'read']]
  for (const order of [{ images, annotations, categories }, { categories, annotations, images }, { info: { a: [{ '}': ']' }] }, annotations, licenses: null, images, categories, version: 1.5 }]) {
    for (const text of [JSON.stringify(order), JSON.stringify(order, null, 2), `\ufeff${JSON.stringify(order)}\r\n`]) {
      const source = await open(write(folder, text))
      t.same([source.labelKind, source.classNames, await source.count(), await rows(source)], ['boxes', ['čat "x]', 'dog'], 3, expected])
    }
  }
  const [, a] = await collect(await open(write(folder, { images, annotations, categories })))
  const label = a!.label as BoxesLabel
  t.same([label.width, label.height, label.boxes[1]], [60, 40, { class: 0, xmin: 0, ymin: 0.5, xmax: 0.5, ymax: 1 }])
  t.match(a!.adjusted, /60x40/)
})

t.test('a file in pieces: elements lie across the borders', async (t) => {
  const folder = await withImages(t)
  const many = Array.from({ length: 4000 }, (_, id) => ({ image_id: 30, category_id: 7, bbox: [id % 50, 1, 2, 3], note: 'é"\\\\'.repeat(id % 40) }))
  const source = await open(write(folder, { annotations: many, images, categories }))
  const boxes = ((await collect(source))[2]!.label as BoxesLabel).boxes
  t.equal(boxes.length, 4000)
  t.ok(boxes.every(({ xmin }, id) => Math.abs(xmin * 60 - (id % 50)) < 1e-5), 'in their order')
})

t.test('entries that cannot be used reject by name; the rest holds', async (t) => {
  const folder = await withImages(t)
  const bad = {
    images: [...images, { id: 20, file_name: 'd.png' }, { id: 2 ** 53, file_name: 'e.png' }, { id: 40, file_name: 'a.png' }, { id: 50 }, 'x'],
    annotations: [
      { image_id: 20, category_id: 99, bbox: [0, 0, 1, 1] },
      { image_id: 10, category_id: 7, bbox: [0, 0, 1] },
      { image_id: 30, category_id: 7, bbox: [5, 5, 0, 3] },
      { image_id: 77, category_id: 7, bbox: [0, 0, 1, 1] },
      { image_id: 78, category_id: 7, bbox: null },
      { category_id: 7, bbox: [0, 0, 1, 1] },
    ],
    categories,
  }
  const source = await open(write(folder, bad))
  t.equal(await source.count(), 9)
  t.same((await rows(source)).map(([, key, , result]) => `${key} ${result}`), [
    'b.png PIPE_ANNOTATION', 'a.png PIPE_ANNOTATION', 'c.png PIPE_BOX', 'a.png PIPE_ANNOTATION', 'image 50 PIPE_ANNOTATION',
    'images[3] PIPE_ANNOTATION', 'images[4] PIPE_ANNOTATION', 'images[7] PIPE_ANNOTATION', 'annotations[5] PIPE_ANNOTATION',
  ])
  t.same([...source.ignored!], [['annotation of an image that is not listed', 2]])
  const samples = await collect(source)
  t.equal(new Set(samples.map(({ id }) => id)).size, 9)
  t.match(await reason(samples[0]!), /category_id 99/)
  t.match(await reason(samples[1]!), /annotations\[1\]: expected a "bbox" of four numbers.*\[0,0,1\]/)
  const dropped = await open(write(folder, bad), { badBoxes: 'drop' })
  t.same((await rows(dropped))[2], [30, 'c.png', '', 'read'])
  t.equal(dropped.ignored!.get('inverted or empty box'), 1)
})

t.test('class names and classes of one\'s own', async (t) => {
  const folder = await withImages(t)
  writeFileSync(join(folder, 'names'), 'bird\ndog\n')
  const given = await open(write(folder, { images, annotations, categories }), { classNames: join(folder, 'names') })
  t.same([given.classNames, (await rows(given)).map((row) => row.slice(1))], [['bird', 'dog'], [['b.png', '', 'PIPE_ANNOTATION'], ['a.png', '', 'PIPE_ANNOTATION'], ['c.png', '', 'read']]])
  const dogs = await open(write(folder, { images, annotations, categories }), { classes: ['dog'] })
  t.same([dogs.classNames, await dogs.count(), await rows(dogs)], [['dog'], 1, [[10, 'a.png', '0', 'read']]])
})

t.test('folders: parts and where images lie', async (t) => {
  const folder = t.testdir({ annotations: {}, train2017: {}, images: { val2017: {} } })
  await t.rejects(open(folder), { code: 'PIPE_SOURCE_MISSING' })
  for (const [part, place] of [['train', 'train2017'], ['val', 'images/val2017']] as const) {
    writeFileSync(join(folder, `annotations/instances_${part}2017.json`), JSON.stringify({ images: images.slice(0, 1), annotations, categories }))
    writeFileSync(join(folder, place, 'b.png'), await createPng(60, 40))
  }
  for (const split of ['train', 'val']) t.same(await rows(await open(folder, { split })), [[20, 'b.png', '0!', 'read']], split)
  await t.rejects(open(folder), { code: 'PIPE_OPTION', message: /train, val/ })
  await t.rejects(open(folder, { split: 'test' }), { code: 'PIPE_OPTION', message: /train, val/ })
  await t.rejects(open(join(folder, 'annotations/instances_val2017.json'), { split: 'val' }), { code: 'PIPE_OPTION' })
  mkdirSync(join(folder, 'exported/valid'), { recursive: true })
  writeFileSync(join(folder, 'exported/valid/_annotations.coco.json'), JSON.stringify({ images, annotations, categories }))
  t.equal(await (await open(join(folder, 'exported'), { split: 'val' })).count(), 3)
})

t.test('what is no instances file', async (t) => {
  const folder = await withImages(t)
  for (const [text, message] of [
    ['', /empty file/],
    ['[]', /byte 0: expected a JSON object/],
    ['{}', /"images"/],
    ['{"images": [], "annotations": []}', /"categories"/],
    ['{"images": {}, "annotations": []}', /byte 11 in "images": expected one array "images", found "\{"/],
    ['{"images": [], "images": []}', /a second one/],
    ['{"images": [{"id": 1}{"id": 2}]}', /byte 21 .*expected , or \]/],
    ['{"images": [{"id": NaN}]}', /byte 12 .*JSON in UTF-8/],
    ['{"images": [,]}', /expected an element or \]/],
    ['{"images": [1', /found the end of the file/],
    ['{"images": []} x', /byte 15.*expected nothing more/],
    ['{"a":}', /expected a value/],
    [JSON.stringify({ images, annotations, categories: [{ id: 1, name: 'a' }, { id: 1, name: 'b' }] }), /categories\[1\]: .*second time/],
    [JSON.stringify({ images, annotations, categories: [{ id: 1 }] }), /categories\[0\]/],
  ] as const) await t.rejects(open(write(folder, text)), { code: 'PIPE_ANNOTATION', message }, text)
  await t.rejects(open(write(folder, { images: [], annotations: [], categories })), { code: 'PIPE_EMPTY' })
  await t.rejects(open(join(folder, 'none.json')), { code: 'PIPE_SOURCE_MISSING' })
  writeFileSync(join(folder, 'latin.json'), Buffer.from('{"images": [{"id": 1, "file_name": "\xe9.png"}]}', 'latin1'))
  await t.rejects(open(join(folder, 'latin.json')), { code: 'PIPE_ANNOTATION', message: /byte 12/ })
})

t.test('cut and changed files: typed errors only', async (t) => {
  const folder = await withImages(t)
  const text = Buffer.from(JSON.stringify({ images, annotations, categories }))
  const tryIt = async (bytes: Uint8Array): Promise<void> => {
    writeFileSync(join(folder, 'x.json'), bytes)
    try {
      await rows(await open(join(folder, 'x.json')))
    } catch (error) {
      if (!(error instanceof PipelineError)) throw error
    }
  }
  for (let length = 0; length < text.length; length += 3) await tryIt(text.subarray(0, length))
  await fc.assert(fc.asyncProperty(fc.nat(text.length - 1), fc.nat(255), async (place, byte) => {
    const changed = Buffer.from(text)
    changed[place] = byte
    await tryIt(changed)
  }), { numRuns: 150 })
})
