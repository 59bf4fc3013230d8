// Files past 4 GiB, and ids of all 64 bits: nothing is cut to 32 or 53 bits. The large files are holes, so
// they take neither time nor space.

import t from 'tap'
import { appendRecords, diffRecords, encodeRecord, mergeRecords, openRecords, readRecords, rebuildIndex, RecordWriter, splitRecords, type MetaHeader } from '@millrace/recordio'
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { open, readFile, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { collect, plain, using } from './support.js'

const header: MetaHeader = { labelKind: 'class', labelWidth: 1 }
const gibibyte = 2 ** 30

/** A record of nearly 2^29 bytes, all of its image zeros: only its first 32 bytes take space in a file. */
function hollowRecord(): { frames: Buffer; head: Buffer; image: Buffer } {
  const frames = Buffer.alloc(2 ** 29 - 8)
  frames.set(encodeRecord({ id: 7n, label: 1, image: new Uint8Array(0) }))
  frames.writeUInt32LE(frames.length - 8, 4)
  return { frames, head: frames.subarray(0, 32), image: frames.subarray(32) }
}

t.test('a writer goes on past 4 GiB; .meta and .idx lead there, and reading by place and id', { timeout: 60_000 }, async (t) => {
  const folder = t.testdir()
  const path = join(folder, 'x.rec')
  const { frames, head, image } = hollowRecord()
  const count = 11
  const shareHoles = async (_source: string, target: string): Promise<boolean> => {
    const file = await open(target, 'wx')
    for (let index = 0; index < count; index++) await file.write(head, 0, head.length, index * frames.length)
    await file.truncate(count * frames.length)
    await file.close()
    return true
  }
  const writer = (await RecordWriter.clone(path, header, path, shareHoles))!
  for (let index = 0; index < count; index++) await writer.copy({ id: 7n, id2: 0n, label: 1, labels: new Float32Array(0), image }, frames)
  const last = { id: 2n ** 64n - 1n, label: 3, image: Buffer.from('past four gibibytes') }
  await writer.write({ id: 2n ** 53n + 1n, image: Buffer.from('before the last') })
  await writer.write(last)
  t.ok(writer.bytes > 5 * gibibyte)
  t.equal(await writer.sync(), writer.bytes)
  await writer.close()
  const offset = count * frames.length
  t.equal((await readFile(join(folder, 'x.idx'), 'utf8')).split('\n').at(-2), `${last.id}\t${offset + 48}`)
  for (const sibling of ['.meta', '.idx']) {
    await using(path, async (file) => {
      t.equal(file.count, count + 2)
      t.same(plain(await file.read(count + 1)), plain(last), sibling)
      t.same(plain(await file.readById(2n ** 64n - 1n)), plain(last))
      t.equal((await file.readById(2n ** 53n + 1n)).image.toString(), Buffer.from('before the last').toString())
    })
    rmSync(join(folder, `x${sibling}`))
  }
})

t.test('an index may lead anywhere up to 2^43 and more', async (t) => {
  const folder = t.testdir()
  const path = join(folder, 'x.rec')
  const places = [0, 2 ** 32 - 48, 2 ** 32, 2 ** 42]
  const file = await open(path, 'w')
  for (const [index, place] of places.entries()) await file.write(encodeRecord({ id: BigInt(index), image: Buffer.from(`${place}`) }), 0, undefined, place)
  const { size } = await file.stat()
  await file.close()
  const index = await open(join(folder, 'x.idx'), 'w')
  await index.writeFile(places.map((place, id) => `${id}\t${place}\n`).join(''))
  await index.close()
  await using(path, async (records) => {
    for (const [ordinal, place] of places.entries()) t.equal(Buffer.from((await records.read(ordinal)).image).toString(), `${place}`)
  })
  await truncate(path, size - 4)
  await t.rejects(openRecords(path), { code: 'REC_CUT' })
})

t.test('ids up to 2^64 - 1 through every command on record files', async (t) => {
  const folder = t.testdir()
  const ids = [2n ** 64n - 1n, 2n ** 53n + 1n, 2n ** 53n, 2n ** 63n, 2n ** 32n, 0n]
  const path = (name: string): string => join(folder, `${name}.rec`)
  const write = async (name: string, chosen: readonly bigint[]): Promise<void> => {
    const writer = await RecordWriter.create(path(name), header)
    for (const id of chosen) await writer.write({ id, image: Buffer.from(`image ${id}`) })
    await writer.close()
  }
  const idsOf = async (file: string): Promise<bigint[]> => (await collect(readRecords(file))).map(({ id }) => id)
  await write('a', ids.slice(0, 3))
  await write('b', ids.slice(3))
  await mergeRecords(path('all'), [path('a'), path('b')])
  t.same(await idsOf(path('all')), ids)
  await appendRecords(path('a'), [path('b')])
  t.same(await idsOf(path('a')), ids)
  await t.rejects(mergeRecords(path('twice'), [path('all'), path('b')]), { code: 'REC_DUPLICATE_ID', message: /id 0:|id 9223372036854775808|id 4294967296/ })
  const shards = await splitRecords(path('all'), join(folder, 's'), { records: 4 })
  t.same((await Promise.all(shards.map((shard) => idsOf(shard.path)))).flat(), ids)
  await rebuildIndex(path('all'))
  t.equal(await readFile(join(folder, 'all.idx'), 'utf8'), await readFile(join(folder, 'a.idx'), 'utf8'))
  for (const sibling of ['meta', 'idx', 'none']) {
    await using(path('all'), async (file) => {
      for (const id of ids) t.equal(Buffer.from((await file.readById(id)).image).toString(), `image ${id}`, `${id} by ${sibling}`)
      await t.rejects(file.readById(2n ** 53n + 2n), { code: 'REC_NOT_FOUND', message: /9007199254740994/ })
    })
    rmSync(join(folder, `all.${sibling}`), { force: true })
  }
  await write('c', [...ids.slice(0, 5), 1n])
  const report = await diffRecords(path('a'), path('c'))
  t.same(report.differences.map(({ id }) => id).sort(), [0n, 1n])
  await write('d', ids.slice(1))
  const program = fileURLToPath(new URL('../../../tools/bin/millrace.js', import.meta.url))
  const { stdout } = spawnSync(process.execPath, [program, 'diff', path('a'), path('d'), '--json', '--quiet'], { encoding: 'utf8' })
  t.same((JSON.parse(stdout) as { differences: { id: string }[] }).differences.map(({ id }) => id), ['18446744073709551615'], 'JSON has ids as strings')
})
