// WebDataset shards: those of the webdataset project, grouping, labels, damage, deterministic writing.

import t, { type Test } from 'tap'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { encodeWebDataset, readWebDataset, type LabelledImage, type ReadImagesOptions, type RejectedImage } from '@millrace/pipeline'
import { imageSize } from '@millrace/recordio'
import { realData } from '../../support.js'
import { collect, damagedCopies, typedError } from './support.js'

type Members = readonly (readonly [name: string, content: string | Uint8Array])[]

async function tar(members: Members): Promise<Buffer> {
  const archive = pack()
  for (const [name, content] of members) archive.entry({ name, mtime: new Date(0) }, Buffer.from(content as string))
  archive.finalize()
  return Buffer.concat(await collect(archive as AsyncIterable<Uint8Array>))
}

async function read(t: Test, bytes: Uint8Array, options: ReadImagesOptions = {}): Promise<{ images: LabelledImage[]; rejects: RejectedImage[] }> {
  const path = join(t.testdir(), 'x.tar')
  writeFileSync(path, bytes)
  const rejects: RejectedImage[] = []
  return { images: await collect(readWebDataset(path, { onReject: (rejected) => rejects.push(rejected), ...options })), rejects }
}

/** key, id, kind, labels, image as text. */
function plain({ key, id, labelKind, labels, image }: LabelledImage): unknown[] {
  return [key, id, labelKind, [...labels], Buffer.from(image).toString()]
}

const sample = realData('webdataset/sample.tgz')
t.test("the project's own shard, gzipped", { skip: sample.skip }, async (t) => {
  const images = await collect(readWebDataset(sample.path))
  t.equal(images.length, 90)
  t.match(images[0], { key: '10', id: 10n, labelKind: 'class' })
  t.ok(images.every(({ key, id, labels, image }) => id === BigInt(key) && labels.length === 1 && labels[0]! >= 0 && labels[0]! <= 9 && imageSize(image)?.type === 'png'))
})

const gzipped = realData('webdataset/compressed.tar')
t.test("the project's shard of gzipped texts: each is unpacked, and has no image", { skip: gzipped.skip }, async (t) => {
  const rejects: RejectedImage[] = []
  t.same(await collect(readWebDataset(gzipped.path, { onReject: (rejected) => rejects.push(rejected) })), [])
  t.same(rejects.map(({ key }) => key), ['compressed/0001', 'compressed/0002', 'compressed/0003'])
  t.match(rejects[0], { code: 'PIPE_SAMPLE', reason: /compressed.tar: compressed\/0001: expected an image, found only txt/ })
})

t.test('neighbours up to the first point of the last part are one sample', async (t) => {
  const long = `deep/${'x'.repeat(120)}/ä`
  const { images, rejects } = await read(t, await tar([
    ['a.b/1.jpg', 'one'], ['a.b/1.cls', '3\n'], ['a.b/1.extra.txt', 'no label'],
    [`${long}.PNG`, 'two'], [`${long}.Txt`, '0.5 2 -3e1'],
    ['.hidden.jpg', 'x'], ['nopoint', 'x'], ['__shard__.json__', 'x'], ['b/.2.cls', '1'],
    ['3.seg.png', 'mask'], ['3.webp', 'three'], ['3.json', '[1, 2]'],
    ['4.jpg.gz', gzipSync('four')], ['4.cls.gz', gzipSync('1')],
  ]))
  t.same(rejects, [])
  t.same(images.map(plain), [
    ['a.b/1', 0n, 'class', [3], 'one'],
    [long, 1n, 'values', [0.5, 2, -30], 'two'],
    ['3', 2n, 'values', [1, 2], 'three'],
    ['4', 3n, 'class', [1], 'four'],
  ])
})

t.test('labels', async (t) => {
  const label = async (ending: string, text: string, options: ReadImagesOptions = {}): Promise<unknown> => {
    const { images, rejects } = await read(t, await tar([['7.jpg', 'x'], [`7.${ending}`, text]]), options)
    return images[0] ? [images[0].labelKind, ...images[0].labels] : rejects[0]?.reason.replace(/^.*x.tar: /, '')
  }
  const classNames = ['cat', 'a dog']
  t.same(await label('cls', ' 12 '), ['class', 12])
  t.same(await label('cls', 'a dog', { classNames }), ['class', 1])
  t.same(await label('json', '5'), ['class', 5])
  t.same(await label('json', '"cat"', { classNames }), ['class', 0])
  t.same(await label('json', '{"label": [1, 2]}'), ['values', 1, 2])
  t.same(await label('json', '{"kind": "digits", "label": [1, 2, 10, 10, 10, 10]}'), ['digits', 1, 2, 10, 10, 10, 10])
  t.same(await label('json', '{"age": 2.5}', { labelKey: 'age' }), ['values', 2.5])
  t.same(await label('txt', '1', { labelKind: 'values' }), ['values', 1])
  t.match(await label('cls', 'dog'), /^7.cls: expected a label that is a number, found "dog"; give the class names/)
  t.match(await label('cls', 'dog', { classNames }), /a number or one of the class names, found "dog"/)
  t.match(await label('cls', ''), /expected a label that is a number, found ""/)
  t.match(await label('cls', '1 2', { labelKind: 'class' }), /expected one class that float32 holds, found 1 2/)
  t.match(await label('cls', '16777217'), /expected one class that float32 holds, found 16777217/)
  t.match(await label('json', '{"a": 1}'), /^7.json: expected a number or a list of numbers in "label", found only the fields a; name the field/)
  t.match(await label('json', '{"__proto__": 1}', { labelKey: 'toString' }), /found only the fields __proto__/)
  t.match(await label('json', '[1'), /^7.json: expected JSON/)
  t.match(await label('json', '{"label": [[1]]}'), /found something else/)
  t.match(await label('json', '[]'), /expected a label, found an empty one/)
  t.match(await label('json', '{"kind": "digits", "label": [1]}'), /expected six numbers/)
  t.match(await label('seg.txt', '1'), /expected a label in .cls, .json or .txt, found jpg/)
})

t.test('what makes a sample unusable', async (t) => {
  const cases: [Members, RegExp, ReadImagesOptions?][] = [
    [[['1.cls', '1']], /expected an image, found only cls/],
    [[['1.jpg', 'a'], ['1.png', 'b'], ['1.cls', '1']], /1.png: expected jpg as the one image, found another/],
    [[['1.cls', '1'], ['1.jpg', 'a'], ['1.cls', '2']], /1.cls: expected each file of a sample once, found this one twice/],
    [[['1.jpg.gz', 'no gzip'], ['1.cls', '1']], /1.jpg.gz: expected a gzip file of at most 536870912 bytes/],
    [[['1.cls.gz', gzipSync(Buffer.alloc(2 ** 24 + 1, 48))], ['1.jpg', 'a']], /1.cls.gz: expected a gzip file of at most 16777216 bytes/],
    [[['1.jpg', 'a'], ['1.cls', '1']], /expected an image, found only cls/, { imageKey: 'left.jpg' }],
  ]
  for (const [members, reason, options] of cases) {
    const { images, rejects } = await read(t, await tar([...members, ['2.jpg', 'good'], ['2.left.jpg', 'good'], ['2.cls', '1']]), options)
    t.equal(images.length, 1, 'the next sample is read')
    t.match(rejects, [{ key: '1', code: 'PIPE_SAMPLE', reason }])
  }
  const bad = await tar([['1.cls', '1']])
  t.match(await typedError(read(t, bad, { onReject: undefined as never })), { code: 'PIPE_SAMPLE' }, 'thrown where nobody is told')
})

t.test('ids: those of the keys if the first is a number, else by place', async (t) => {
  const members: Members = [['0012.jpg', 'a'], ['0012.cls', '1'], ['x.jpg', 'b'], ['x.cls', '1'], ['5.jpg', 'c'], ['5.cls', '1']]
  const { images, rejects } = await read(t, await tar(members))
  t.same(images.map(({ id }) => id), [12n, 5n])
  t.match(rejects, [{ key: 'x', reason: /expected a number as id, as the samples before it have, found "x"/ }])
  t.same((await read(t, await tar(members), { ids: 'ordinal' })).images.map(({ id }) => id), [0n, 1n, 2n])
  t.same((await read(t, await tar(members.slice(2)))).images.map(({ id }) => id), [0n, 1n])
})

t.test('cut at every byte and bit flips: samples or a typed error; a cut is never missed', async (t) => {
  const whole = await tar([['1.jpg', 'abc'], ['1.cls', '1'], ['2.jpg', 'abc'], ['2.cls', '2']])
  const path = join(t.testdir(), 'x.tar')
  let turn = 0
  for (const { bytes, what } of damagedCopies(whole)) {
    const isCut = bytes.length < whole.length
    const isZero = !isCut && whole[Number(what.split(' ')[1]) >> 3] === 0
    if (isCut ? bytes.length % 512 > 1 : turn++ % (isZero ? 97 : 2) > 0) continue // alike
    writeFileSync(path, bytes)
    const rejects: RejectedImage[] = []
    const error = await typedError(collect(readWebDataset(path, { onReject: (rejected) => rejects.push(rejected) })))
    if (isCut && !error && bytes.length < whole.length - 512) t.fail(what)
  }
  for (const end of [3, 40]) t.match(await typedError(read(t, gzipSync(whole).subarray(0, -end))), { code: 'PIPE_ARCHIVE_DAMAGED' })
})

t.test('written: the same bytes each time, read back the same', async (t) => {
  const image = (id: bigint, labelKind: LabelledImage['labelKind'], labels: number[], text = `image ${id}`): LabelledImage => ({ id, key: `${id}`, labelKind, labels: Float32Array.from(labels), image: Buffer.from(text) })
  const images = [
    image(3n, 'class', [7], '\xff'), image(4n, 'values', [0.1, -2]), image(2n ** 64n - 1n, 'digits', [1, 2, 10, 10, 10, 10]),
    image(9n, 'boxes', [4, 6, 10, 20, 1, 0.25, 0.5, 1, 1, 0]), image(10n, 'class', [2.5]), image(11n, 'values', [1], 'x'.repeat(100_000)),
  ]
  async function* source(): AsyncGenerator<LabelledImage> {
    yield* images
    yield image(11n, 'class', [1])
    yield image(12n, 'values', [NaN])
  }
  const rejects: RejectedImage[] = []
  const write = async (): Promise<Buffer> => Buffer.concat(await collect(encodeWebDataset(source(), { onReject: (rejected) => rejects.push(rejected) })))
  const bytes = await write()
  t.match(rejects, [{ id: 11n, reason: /another id than 11, that of the record before/ }, { id: 12n, reason: /finite numbers/ }])
  const digest = (each: Buffer): string => createHash('sha256').update(each).digest('hex')
  t.equal(digest(await write()), digest(bytes))
  const back = (await read(t, bytes)).images
  t.same(back.map((each) => plain(each).slice(1)), images.map((each) => [each.id, each.id === 10n ? 'class' : each.labelKind, [...each.labels], Buffer.from(each.image).toString()]))
  t.match(await typedError(collect(encodeWebDataset(source()))), { code: 'PIPE_SAMPLE' })
})

t.test('a reader that stops early lets the source go', async (t) => {
  let isReleased = false
  async function* source(): AsyncGenerator<LabelledImage> {
    try {
      for (let id = 0n; ; id++) yield { id, key: '', labelKind: 'class', labels: Float32Array.of(1), image: Buffer.alloc(1000) }
    } finally {
      isReleased = true
    }
  }
  for await (const chunk of encodeWebDataset(source())) if (chunk.length > 0) break
  t.ok(isReleased)
})
