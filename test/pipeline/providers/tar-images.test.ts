// Images in tar and tar.gz files: order, names, links, and damage at every byte.

import t from 'tap'
import { writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { openImages, PipelineError, type StreamedImages } from '@millrace/pipeline'
import { tar, tarGz } from '../archive-fixture.js'
import { collect } from '../collect.js'

const text = (value: string): Buffer => Buffer.from(value)
const long = `${'folder/'.repeat(40)}é.png`

async function readAll(path: string): Promise<[string, string][]> {
  const images = (await openImages(path)) as StreamedImages
  const found: [string, string][] = []
  for await (const { name, refusal, read } of images.entries()) found.push([name, refusal?.code ?? Buffer.from(await read()).toString()])
  return found
}

for (const [name, write] of Object.entries({ 'images.tar': tar, 'images.tar.gz': tarGz, 'named-otherwise': tarGz })) {
  t.test(`${name}: entries in order, PAX names, each once`, async (t) => {
    const path = join(t.testdir(), name)
    writeFileSync(path, await write([
      { name: 'train/', type: 'directory' },
      { name: 'train/2.png', bytes: text('two') },
      { name: './train/1.png', bytes: text('one'.repeat(1000)) },
      { name: long, bytes: text('long') },
      { name: 'empty.png' },
      { name: 'train/2.png', bytes: text('another two') },
      { name: 'soft.png', type: 'symlink', linkname: '/etc/passwd' },
      { name: 'hard.png', type: 'link', linkname: 'train/2.png' },
      { name: 'pipe.png', type: 'fifo' },
      { name: '../up.png', bytes: text('evil') },
      { name: '/absolute.png', bytes: text('evil') },
      { name: 'a\\b.png', bytes: text('evil') },
      { name: '.hidden.png', bytes: text('x') },
    ]))
    t.same(await readAll(path), [
      ['train/2.png', 'two'],
      ['train/1.png', 'one'.repeat(1000)],
      [long, 'long'],
      ['empty.png', ''],
      ['soft.png', 'PIPE_ARCHIVE_UNSUPPORTED'],
      ['hard.png', 'PIPE_ARCHIVE_UNSUPPORTED'],
      ['.hidden.png', 'x'],
    ])
    const images = (await openImages(path)) as StreamedImages
    t.same(await collect(images.names()), ['train/2.png', 'train/1.png', long, 'empty.png', 'soft.png', 'hard.png', '../up.png', '/absolute.png', 'a\\b.png'])
    t.same([...images.ignored].sort(), [['a second file of the same name', 1], ['hidden', 1], ['neither file nor folder', 1]])
  })
}

t.test('entries left unread are passed over, and one may stop early', async (t) => {
  const path = join(t.testdir(), 'images.tar.gz')
  writeFileSync(path, await tarGz(Array.from({ length: 30 }, (_, index) => ({ name: `${index}.png`, bytes: Buffer.alloc(100_000, index) }))))
  const images = (await openImages(path)) as StreamedImages
  const read: number[] = []
  for await (const image of images.entries()) {
    if (image.name === '7.png' || image.name === '20.png') read.push((await image.read())[99_999]!)
    if (image.name === '20.png') break
  }
  t.same(read, [7, 20])
})

t.test('abort, and what is not there', async (t) => {
  const path = join(t.testdir(), 'images.tar')
  writeFileSync(path, await tar([{ name: '1.png', bytes: text('one') }]))
  const images = (await openImages(path, { signal: AbortSignal.abort() })) as StreamedImages
  await t.rejects(collect(images.names()), { code: 'PIPE_ABORTED' })
  await t.rejects(openImages(`${path}.gz`), { code: 'PIPE_SOURCE_MISSING' })
  writeFileSync(path.replace('.tar', '.rar'), 'Rar!')
  await t.rejects(openImages(path.replace('.tar', '.rar')), { code: 'PIPE_ARCHIVE_UNSUPPORTED' })
})

t.test('a bomb, and an image too large', async (t) => {
  const folder = t.testdir()
  const { readTar } = await import('../../../../pipeline/dist/providers/tar-entries.js')
  const bomb = join(folder, 'bomb.tar.gz')
  writeFileSync(bomb, gzipSync(Buffer.concat([await tar([{ name: '1.png', bytes: text('one') }]), Buffer.alloc(60_000_000)]), { level: 9 }))
  await t.rejects(collect(readTar(bomb)), { code: 'PIPE_ARCHIVE_LIMIT' })
  const huge = await tar([{ name: '1.png', bytes: text('one') }])
  huge.write('77777777777', 124, 'latin1') // eight gigabytes, in octal
  huge.write('        ', 148, 'latin1')
  const sum = huge.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  huge.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  writeFileSync(join(folder, 'huge.tar'), huge)
  const images = (await openImages(join(folder, 'huge.tar'))) as StreamedImages
  const entries = images.entries()
  t.equal((await entries.next()).value?.refusal?.code, 'PIPE_IMAGE_TOO_LARGE')
  await t.rejects(entries.next(), { code: 'PIPE_ARCHIVE_DAMAGED' })
})

async function probe(path: string, content: Buffer): Promise<string> {
  writeFileSync(path, content)
  try {
    return JSON.stringify(await readAll(path))
  } catch (error) {
    if (error instanceof PipelineError) return error.code
    throw error
  }
}

t.test('cut at every byte', async (t) => {
  const entries = [{ name: 'a.png', bytes: text('alpha') }, { name: `${'b'.repeat(99)}/é.png`, bytes: Buffer.alloc(600) }]
  const path = join(t.testdir(), 'images.tar')
  const [plain, zipped] = [await tar(entries), await tarGz(entries)]
  const whole = await probe(path, plain)
  t.match(whole, 'alpha')
  t.equal(await probe(path, zipped), whole)
  for (let length = 0; length < zipped.length; length++) {
    const found = await probe(path, zipped.subarray(0, length))
    if (!/^PIPE_ARCHIVE_DAMAGED$/.test(found)) t.fail(`tar.gz cut at ${length}: ${found}`)
  }
  const lastNeeded = plain.length - 512 // of the two blocks of zeros at the end one is enough
  for (let length = 0; length < plain.length; length += length % 512 < 3 || length % 512 > 509 ? 1 : 64) {
    const found = await probe(path, plain.subarray(0, length))
    if (found !== (length === lastNeeded ? whole : 'PIPE_ARCHIVE_DAMAGED')) t.fail(`tar cut at ${length}: ${found}`)
  }
})

t.test('each bit of the heads turned', async (t) => {
  const plain = await tar([{ name: 'a.png', bytes: text('alpha') }, { name: `é${'x'.repeat(120)}`, bytes: text('beta') }])
  const path = join(t.testdir(), 'images.tar')
  for (let bit = 0; bit < plain.length * 8; bit += 29) {
    const turned = Buffer.from(plain)
    turned[bit >> 3]! ^= 1 << (bit & 7)
    await probe(path, turned) // throws what is no PipelineError
  }
})

t.test('what the tar program writes', async (t) => {
  const folder = t.testdir({ train: { 'a.txt': 'letters '.repeat(100), 'b.txt': 'b' } })
  for (const format of ['ustar', 'gnu', 'pax', 'v7']) {
    execFileSync('tar', [`--format=${format}`, '--sort=name', '-czf', 'out.tar.gz', 'train'], { cwd: folder })
    t.same(await readAll(join(folder, 'out.tar.gz')), [['train/a.txt', 'letters '.repeat(100)], ['train/b.txt', 'b']], format)
  }
})
