// recordio/src/partial-records.ts: whatever call of the system fails, or whenever the process dies, while
// files take their names: the old set or the new one is whole, or the index command makes it so.

import t, { type Test } from 'tap'
import { openRecords, publishRecords, rebuildIndex, RecordWriter, retractRecords, splitRecords, type MetaHeader } from '@millrace/recordio'
import { copyFileSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemError, withFaults, type Fault } from '../system-faults.js'
import { recordError } from './support.js'

const oldHeader: MetaHeader = { labelKind: 'class', labelWidth: 1, classNames: ['old'], pack: { resize: 1 } }
const newHeader: MetaHeader = { labelKind: 'class', labelWidth: 1, classNames: ['new', 'newer'], pack: { resize: 2 } }

async function write(path: string, header: MetaHeader, count: number): Promise<RecordWriter> {
  const writer = await RecordWriter.create(path, header)
  for (let id = 0; id < count; id++) await writer.write({ id: BigInt(id), label: id % 2, image: Buffer.alloc(100 + count, id) })
  return writer
}

/** The headers of both sets, by what the records tell. */
const headers = new Map([[5, oldHeader], [9, newHeader]])

async function read(path: string): Promise<{ count: number; header: MetaHeader | undefined }> {
  const file = await openRecords(path)
  try {
    for (let ordinal = 0; ordinal < file.count; ordinal++) await file.read(ordinal)
    return { count: file.count, header: file.meta?.header }
  } finally {
    await file.close()
  }
}

/** A set in place; another takes its place, with the fault. Returns what is left and the calls there were. */
async function replaceWith(t: Test, fault: Fault): Promise<{ path: string; calls: number; error: Error | undefined }> {
  const folder = t.testdir()
  const path = join(folder, 'x.rec')
  await (await write(path, oldHeader, 5)).close()
  const writer = await write(path, newHeader, 9)
  let error: Error | undefined
  const calls = await withFaults(fault, async () => {
    error = await recordError(() => writer.close())
  })
  return { path, calls, error }
}

t.test('one call fails: an error that names the file; the old set or the new one', async (t) => {
  const { calls, path } = await replaceWith(t, () => undefined)
  t.match(await read(path), { count: 9, header: newHeader })
  t.ok(calls > 10)
  for (const code of ['EIO', 'ENOSPC']) {
    for (let failing = 0; failing < calls; failing++) {
      let failed = ''
      const { path, error } = await replaceWith(t, ({ index, name }) => (index === failing ? ((failed = name), systemError(code)) : undefined))
      const place = `${failed}, call ${failing} of ${calls}, ${code}`
      if (error && !/x\.(rec|idx|meta): cannot .*injected/.test(error.message)) t.fail(`${place}: ${error.message}`)
      const { count, header } = await read(path)
      if (!error) t.equal(count, 9, `${place}: no error, so it is done`)
      if (header === undefined) {
        t.match(error?.message, /"millrace index" finishes it/, place)
        await rebuildIndex(path)
      }
      t.match(await read(path), { header: headers.get(count) }, place)
      const left = readdirSync(join(path, '..')).filter((name) => !/^x\.(rec|idx|meta)$/.test(name))
      const mayStay = count === 9 ? left.filter((name) => /\.(idx|meta)\./.test(name)) : []
      t.same(left, mayStay, `${place}: no records are left behind`)
    }
  }
})

t.test('the process dies before any call: readable at once, whole after the index command', async (t) => {
  const { calls } = await replaceWith(t, () => undefined)
  for (let last = 0; last <= calls; last++) {
    const { path } = await replaceWith(t, ({ index }) => (index >= last ? systemError('EIO') : undefined))
    const { count } = await read(path)
    await rebuildIndex(path)
    t.match(await read(path), { count, header: headers.get(count) }, `after ${last} of ${calls} calls`)
  }
})

t.test('publishing again after it died goes on; retracting goes back, or on where it is too late', async (t) => {
  const publish = async (last: number, then: (path: string) => Promise<void>): Promise<{ path: string; calls: number }> => {
    const path = join(t.testdir(), 'x.rec')
    await (await write(path, oldHeader, 5)).close()
    const writer = await RecordWriter.create(path, newHeader, 'mine')
    for (let id = 0n; id < 9n; id++) await writer.write({ id, image: Buffer.alloc(10) })
    await writer.finish()
    const calls = await withFaults(({ index }) => (index >= last ? systemError('EIO') : undefined), async () => {
      await recordError(() => publishRecords(path, 'mine'))
    })
    await then(path)
    return { path, calls }
  }
  const { calls } = await publish(Infinity, async () => {})
  for (let last = 0; last <= calls; last++) {
    const again = await publish(last, (path) => publishRecords(path, 'mine'))
    t.match(await read(again.path), { count: 9, header: newHeader }, `again after ${last}`)
    t.same(readdirSync(join(again.path, '..')).sort(), ['x.idx', 'x.meta', 'x.rec'])
    const back = await publish(last, (path) => retractRecords(path, 'mine'))
    const { count, header } = await read(back.path)
    t.match(header, headers.get(count), `back after ${last}`)
    t.same(readdirSync(join(back.path, '..')).sort(), ['x.idx', 'x.meta', 'x.rec'])
  }
})

t.test('short writes are gone on with; a system that takes nothing is no hang', async (t) => {
  const folder = t.testdir()
  const [whole, short] = [join(folder, 'whole.rec'), join(folder, 'short.rec')]
  await (await write(whole, oldHeader, 50)).close()
  let turn = 0
  await withFaults(({ name }) => (/^write/.test(name) ? 1 + (turn++ % 700) : undefined), async () => {
    await (await write(short, oldHeader, 50)).close()
  })
  t.ok(turn > 20)
  for (const extension of ['rec', 'idx', 'meta']) t.ok(readFileSync(whole.replace(/rec$/, extension)).equals(readFileSync(short.replace(/rec$/, extension))), extension)
  await withFaults(({ name }) => (/^write/.test(name) ? 0 : undefined), async () => {
    await t.rejects((await write(join(folder, 'none.rec'), oldHeader, 5)).close(), { code: 'REC_FILE', message: /none\.rec: cannot write it: the system took none of the/ })
  })
  t.notOk(readdirSync(folder).some((name) => name.includes('none')))
})

t.test('a split whose naming fails half way leaves whole shards only', async (t) => {
  const folder = t.testdir()
  const path = join(folder, 'x.rec')
  await (await write(path, newHeader, 9)).close()
  let renames = 0
  await withFaults(({ name }) => (name === 'rename' && ++renames === 5 ? systemError('EIO') : undefined), async () => {
    await t.rejects(splitRecords(path, join(folder, 's'), { shards: 3 }), { code: 'REC_FILE', message: /cannot rename it into place/ })
  })
  const shards = readdirSync(folder).filter((name) => /^s-.*\.rec$/.test(name))
  for (const shard of shards) {
    if (!existsSync(join(folder, shard.replace(/rec$/, 'meta')))) await rebuildIndex(join(folder, shard))
    t.match(await read(join(folder, shard)), { count: 3, header: newHeader })
  }
  t.equal(shards.length, 2)
})

t.test('a .meta that a dead writer left is not taken for that of another .rec', async (t) => {
  const folder = t.testdir()
  const path = join(folder, 'x.rec')
  await (await write(path, oldHeader, 5)).close()
  copyFileSync(join(folder, 'x.meta'), join(folder, '.x.meta.previous-other'))
  await (await write(path, { labelKind: 'class', labelWidth: 1 }, 9)).close()
  const { header } = await rebuildIndex(path)
  t.equal(header.classNames, undefined)
  t.ok(existsSync(join(folder, '.x.meta.previous-other')))
})
