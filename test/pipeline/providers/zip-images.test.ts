// Images in zip files: random access, names, duplicates, what is refused, and damage at every byte.

import t from 'tap'
import { readFileSync, writeFileSync } from 'node:fs'
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { openImages, PipelineError, type RandomImages } from '@millrace/pipeline'
import { zip, type ZipFixtureEntry } from '../archive-fixture.js'
import { collect } from '../collect.js'

const text = (value: string): Buffer => Buffer.from(value)

async function openZip(folder: string, content: Buffer): Promise<RandomImages> {
  const path = join(folder, 'images.zip')
  writeFileSync(path, content)
  return (await openImages(path)) as RandomImages
}

async function read(images: RandomImages, name: string): Promise<string> {
  return images.read(name, 'a test').then((bytes) => Buffer.from(bytes).toString(), (error: PipelineError) => error.code)
}

t.test('entries by name, stored and deflated, in any order', async (t) => {
  const images = await openZip(t.testdir(), zip([
    { name: 'a/', bytes: text('') },
    { name: 'a/1.png', bytes: text('one '.repeat(50)) },
    { name: './a//2.png', bytes: text('two'), stored: true },
    { name: 'ünï.png', bytes: text('letters') },
    { name: 'empty.png', bytes: text('') },
    { name: '.hidden.png', bytes: text('x') },
    { name: '__MACOSX/1.png', bytes: text('x') },
  ]))
  t.equal(await read(images, 'ünï.png'), 'letters')
  t.equal(await read(images, 'a/2.png'), 'two')
  t.equal(await read(images, './a/1.png'), 'one '.repeat(50))
  t.equal(await read(images, 'empty.png'), '')
  t.equal(await read(images, 'a/3.png'), 'PIPE_IMAGE_MISSING')
  for (const name of ['__proto__', 'constructor', 'a']) t.equal(await read(images, name), 'PIPE_IMAGE_MISSING', name)
  t.same(await collect(images.names()), ['a/1.png', 'a/2.png', 'empty.png', 'ünï.png'])
  t.same([...images.ignored], [['hidden', 2]])
})

t.test('of two entries with one name the first counts', async (t) => {
  const images = await openZip(t.testdir(), zip([{ name: '1.png', bytes: text('first') }, { name: './1.png', bytes: text('second') }]))
  t.equal(await read(images, '1.png'), 'first')
  t.same(await collect(images.names()), ['1.png'])
  t.same([...images.ignored], [['a second file of the same name', 1]])
})

t.test('names that leave the archive are never read', async (t) => {
  const evil = ['../up.png', '/absolute.png', 'a/../../b.png', 'a\\b.png', 'c:/x.png', 'nul\0.png', 'n'.repeat(5000)]
  const images = await openZip(t.testdir(), zip([...evil.map((name) => ({ name, bytes: text('evil') })), { name: 'good.png', bytes: text('good') }]))
  for (const name of evil) t.equal(await read(images, name), 'PIPE_NAME_OUTSIDE', JSON.stringify(name.slice(0, 20)))
  t.equal(await read(images, 'good.png'), 'good')
  t.equal((await collect(images.names())).length, evil.length + 1, 'all are listed, so that a source can reject them by name')
})

t.test('what cannot be unpacked rejects by name, the others are read', async (t) => {
  const bytes = text('image '.repeat(40))
  const cases: [Partial<ZipFixtureEntry>, string][] = [
    [{ flags: 0x801 }, 'PIPE_ARCHIVE_UNSUPPORTED'],
    [{ method: 12 }, 'PIPE_ARCHIVE_UNSUPPORTED'],
    [{ mode: 0o120777 }, 'PIPE_ARCHIVE_UNSUPPORTED'],
    [{ size: 2 ** 30 }, 'PIPE_IMAGE_TOO_LARGE'],
    [{ compressedSize: 0x7fffffff }, 'PIPE_IMAGE_TOO_LARGE'],
    [{ compressedSize: 100_000 }, 'PIPE_ARCHIVE_DAMAGED'],
    [{ size: 100_000 }, 'PIPE_ARCHIVE_LIMIT'],
    [{ size: 200 }, 'PIPE_ARCHIVE_DAMAGED'],
    [{ size: 300 }, 'PIPE_ARCHIVE_DAMAGED'],
    [{ crc: 1 }, 'PIPE_ARCHIVE_DAMAGED'],
    [{ stored: true, size: 239 }, 'PIPE_ARCHIVE_DAMAGED'],
  ]
  const images = await openZip(t.testdir(), zip([...cases.map(([entry], index) => ({ name: `${index}.png`, bytes, ...entry })), { name: 'good.png', bytes }]))
  for (const [index, [entry, code]] of cases.entries()) t.equal(await read(images, `${index}.png`), code, JSON.stringify(entry))
  t.equal(await read(images, 'good.png'), `${bytes}`)
})

t.test('a bomb that lies about its size stops at that size', async (t) => {
  const images = await openZip(t.testdir(), zip([{ name: 'bomb.png', bytes: Buffer.alloc(50_000_000), size: 1000 }]))
  t.equal(await read(images, 'bomb.png'), 'PIPE_ARCHIVE_DAMAGED')
})

t.test('more entries than allowed, or than the end record tells', async (t) => {
  const { zipImages } = await import('../../../../pipeline/dist/providers/zip-images.js')
  const entries = Array.from({ length: 5 }, (_, index) => ({ name: `${index}.png`, bytes: text('x') }))
  const path = join(t.testdir(), 'images.zip')
  writeFileSync(path, zip(entries))
  await t.rejects(zipImages(path, { maxEntries: 4 }), { code: 'PIPE_ARCHIVE_LIMIT' })
  t.equal((await collect((await zipImages(path, { maxEntries: 5 })).names())).length, 5)
  writeFileSync(path, zip(entries, 3))
  await t.rejects(zipImages(path), { code: 'PIPE_ARCHIVE_DAMAGED' }, 'entries that the count leaves out are not lost in silence')
})

/** Reads all of it; only typed errors come out. */
async function probe(path: string, content: Buffer, names: readonly string[]): Promise<string[]> {
  writeFileSync(path, content)
  try {
    const images = await openImages(path)
    return await Promise.all(names.map((name) => read(images as RandomImages, name)))
  } catch (error) {
    if (error instanceof PipelineError) return [error.code]
    throw error
  }
}

t.test('cut at every byte, and each bit turned', async (t) => {
  const names = ['a.png', 'b.png']
  const whole = zip([{ name: 'a.png', bytes: text('alpha'), stored: true }, { name: 'b.png', bytes: text('beta '.repeat(9)) }])
  const path = join(t.testdir(), 'images.zip')
  t.same(await probe(path, whole, names), ['alpha', 'beta '.repeat(9)])
  for (let length = 0; length < whole.length; length++) {
    const [code] = await probe(path, whole.subarray(0, length), names)
    if (!/^PIPE_ARCHIVE_(DAMAGED|UNSUPPORTED)$/.test(code!)) t.fail(`cut at ${length}: ${code}`)
  }
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const turned = Buffer.from(whole)
    turned[bit >> 3]! ^= 1 << (bit & 7)
    const found = await probe(path, turned, names)
    if (!found.every((result) => /^PIPE_|^alpha$|^(beta ){9}$/.test(result))) t.fail(`bit ${bit}: ${found.join(', ')}`)
  }
})

t.test('zip64 end records full of nonsense do not end the process', async (t) => {
  const end = Buffer.alloc(22, 0xff)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(0, 20)
  const locator = Buffer.alloc(20, 0xff)
  locator.writeUInt32LE(0x07064b50, 0)
  const record = Buffer.alloc(56, 0xff)
  record.writeUInt32LE(0x06064b50, 0)
  const path = join(t.testdir(), 'images.zip')
  const start = Buffer.from('PK\x03\x04')
  for (const parts of [[end], [locator, end], [record, locator, end], [record.subarray(0, 30), end], [Buffer.alloc(100), record.subarray(0, 4), locator, end], [locator.subarray(0, 8), end]]) {
    const [code] = await probe(path, Buffer.concat([start, ...parts]), ['a'])
    t.equal(code, 'PIPE_ARCHIVE_DAMAGED')
  }
  const located = Buffer.from(locator)
  located.writeBigUInt64LE(4n, 8)
  t.same(await probe(path, Buffer.concat([start, record, located, end]), ['a']), ['PIPE_ARCHIVE_DAMAGED'], 'entries at byte 2^64 - 1')
})

const tools = spawnSync('zip', ['-v']).status === 0 ? false : 'no zip program here'
t.test('what the zip program writes', { skip: tools }, async (t) => {
  const folder = t.testdir({ train: { 'a.txt': 'letters '.repeat(100), 'b.txt': 'b' } })
  execFileSync('zip', ['-qr', 'out.zip', 'train'], { cwd: folder })
  const images = (await openImages(join(folder, 'out.zip'))) as RandomImages
  t.same(await collect(images.names()), ['train/a.txt', 'train/b.txt'])
  t.equal(await read(images, 'train/a.txt'), readFileSync(join(folder, 'train/a.txt'), 'utf8'))
})
