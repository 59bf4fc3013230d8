// recordio/src/frame-reader.ts: every way in which a stream can be damaged, and how it is read.

import t from 'tap'
import fc from 'fast-check'
import { encodeFrames, readFrames } from '@millrace/recordio'
import { PassThrough } from 'node:stream'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { collect, golden, inChunks, matchError, recordError } from './support.js'

const good = encodeFrames(Buffer.from('good'))
const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const read = (data: Uint8Array, sizes = [3]) => collect(readFrames(inChunks(data, sizes), { name: 'x.rec' }))

t.test('damage is named with record and byte', async (t) => {
  const cases: [string, Uint8Array, ReturnType<typeof matchError>][] = [
    ['no record file', Buffer.from('{"json": true}'), matchError('REC_BAD_MAGIC', /^x\.rec: record 0 at byte 0: expected magic 0xced7230a, found 0x736a227b; is this a \.rec file\?$/)],
    ['the magic of 2015', bytes('0a23d73e 00000000'), matchError('REC_BAD_MAGIC', /found 0x3ed7230a/)],
    ['other bytes after a good record', Buffer.concat([good, bytes('00000000 00000000')]), matchError('REC_BAD_MAGIC', /record 1 at byte 12: expected magic 0xced7230a, found 0x00000000; the file is damaged/)],
    ['a part flag above 3', bytes('0a23d7ce 00000080'), matchError('REC_BAD_FRAME', /part flag 0 or 1 .*found 4/)],
    ['a middle part first', bytes('0a23d7ce 00000040'), matchError('REC_BAD_FRAME', /found 2/)],
    ['a last part first', bytes('0a23d7ce 00000060'), matchError('REC_BAD_FRAME', /found 3/)],
    ['a whole record inside a split one', Buffer.concat([bytes('0a23d7ce 00000020'), good]), matchError('REC_BAD_FRAME', /record 0 at byte 8: expected part flag 2 or 3 .*found 0/)],
    ['a first part inside a split record', bytes('0a23d7ce 00000020 0a23d7ce 00000020'), matchError('REC_BAD_FRAME', /found 1/)],
    ['a cut frame head', Buffer.concat([good, bytes('0a23d7ce 00')]), matchError('REC_CUT', /record 1 at byte 12: expected 3 more bytes of the frame head, found the end at byte 17/)],
    ['cut data', good.subarray(0, 10), matchError('REC_CUT', /expected 2 more bytes of data and padding/)],
    ['cut padding', encodeFrames(Buffer.from('good!')).subarray(0, 14), matchError('REC_CUT', /expected 2 more bytes of data and padding/)],
    ['no last part', bytes('0a23d7ce 00000020'), matchError('REC_CUT', /expected the next part of a split record/)],
    ['parts of 2^29 bytes together', bytes('0a23d7ce 00000020 0a23d7ce fcffff7f'), matchError('REC_TOO_LARGE', /at most 536870911 bytes, found parts of 536870912/)],
  ]
  for (const [name, data, expected] of cases) {
    for (const sizes of [[1], [5], [1000]]) await t.rejects(read(data, sizes), expected, `${name}, chunks of ${sizes}`)
  }
})

t.test('records before the damage are given out first', async (t) => {
  const seen: string[] = []
  const error = await recordError(async () => {
    for await (const { payload } of readFrames(inChunks(Buffer.concat([good, good, bytes('ff')]), [1000]))) seen.push(payload.toString())
  })
  t.equal(seen.length, 2)
  t.match(error?.details, { path: 'stream', record: 2, offsetBytes: 24 })
})

t.test('padding may hold anything', async (t) => {
  const frames = Buffer.from(encodeFrames(Buffer.from('good!')))
  frames.fill(0xff, 13)
  t.equal((await read(frames)).length, 1)
})

t.test('an empty stream has no records', async (t) => t.same(await read(Buffer.alloc(0)), []))

t.test('a damaged length allocates nothing for bytes that do not come', async (t) => {
  const before = process.memoryUsage().rss
  await t.rejects(read(bytes('0a23d7ce ffffff1f 00')), matchError('REC_CUT', /expected 536870911 more bytes of data and padding/))
  t.ok(process.memoryUsage().rss - before < 64e6)
})

t.test('any bytes: records or a RecordError, whatever the chunks', async (t) => {
  const head = fc.tuple(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0, max: 20 })).map(([flag, length]) => {
    const frame = Buffer.alloc(8 + Math.ceil(length / 4) * 4)
    frame.writeUInt32LE(0xced7230a)
    frame.writeUInt32LE(flag * 2 ** 29 + length, 4)
    return frame
  })
  const stream = fc.array(fc.oneof(head, head, fc.uint8Array({ maxLength: 3 })), { maxLength: 12 }).map((pieces) => Buffer.concat(pieces))
  const outcome = async (data: Uint8Array, sizes: readonly number[]): Promise<unknown> => {
    const seen: string[] = []
    const error = await recordError(async () => {
      for await (const { payload } of readFrames(inChunks(data, sizes))) seen.push(Buffer.from(payload).toString('hex'))
    })
    return [seen, error?.message]
  }
  await fc.assert(fc.asyncProperty(stream, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), async (data, sizes) => {
    t.same(await outcome(data, sizes), await outcome(data, [1_000_000]))
  }), { numRuns: 300 })
})

t.test('a file of several chunks reads as its bytes do', async (t) => {
  const payloads = Array.from({ length: 40 }, (_, index) => Buffer.alloc(50_000 + index, index))
  const folder = t.testdir()
  writeFileSync(join(folder, 'x.rec'), Buffer.concat(payloads.map(encodeFrames)))
  const found = await collect(readFrames(join(folder, 'x.rec')))
  t.equal(found.length, 40)
  t.ok(found.every(({ payload }, index) => payloads[index]!.equals(payload)))
  t.ok(found.every(({ payload }) => payload.buffer.byteLength === payload.length), 'each alone in its memory')
})

t.test('a path that cannot be read', async (t) => {
  const folder = t.testdir()
  mkdirSync(join(folder, 'folder.rec'))
  await t.rejects(collect(readFrames(join(folder, 'none.rec'))), matchError('REC_FILE', /none\.rec: cannot open it: ENOENT/))
  await t.rejects(collect(readFrames(join(folder, 'folder.rec'))), matchError('REC_FILE', /folder\.rec: cannot read it: EISDIR/))
})

t.test('a stream of text is refused', async (t) => {
  const stream = new PassThrough({ encoding: 'latin1' })
  stream.end(good)
  await t.rejects(collect(readFrames(stream)), matchError('REC_BAD_VALUE', /expected a stream of bytes, found one of strings/))
})

t.test('an error of the stream itself passes unchanged', async (t) => {
  const failing = async function* (): AsyncGenerator<Uint8Array> {
    yield good
    throw new TypeError('socket')
  }
  await t.rejects(collect(readFrames(failing())), new TypeError('socket'))
})

t.test('a signal stops the reading', async (t) => {
  await t.rejects(collect(readFrames(inChunks(good, [4]), { signal: AbortSignal.abort('enough') })), matchError('REC_ABORTED', /stream: stopped as asked/), 'before it begins')
  await t.rejects(collect(readFrames('/nowhere', { signal: AbortSignal.abort() })), { code: 'REC_ABORTED' })

  const controller = new AbortController()
  const silent = new PassThrough() // gives one record, then nothing, and does not end
  silent.write(good)
  const error = await recordError(async () => {
    for await (const _ of readFrames(silent, { signal: controller.signal })) setTimeout(() => controller.abort(), 10)
  })
  t.equal(error?.code, 'REC_ABORTED', 'while it waits for bytes')
  t.ok(silent.destroyed)
})

for (const name of ['magic', 'hdrmagic', 'multi_pack', 'multi_nopack', 'lines', 'photos_pass', 'edges_color-1_png']) {
  const { path, skip } = golden(`${name}.rec`)
  t.test(`im2rec's ${name}.rec: joined and split again, the same bytes`, { skip }, async (t) => {
    const payloads = await collect(readFrames(path))
    t.ok(Buffer.concat(payloads.map(({ payload }) => encodeFrames(payload))).equals(readFileSync(path)))
  })
}
