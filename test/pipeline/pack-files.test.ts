// Packing into files: shards, parts, resuming after a crash, placeholders, statistics, exact labels.

import t from 'tap'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openRecords, readRecords } from '@millrace/recordio'
import { createPlan, packDataset, previewPack, type ImagePlan, type PackOptions, type PackReport, type Sample } from '@millrace/pipeline'
import { decodeImage, encodePng } from '@millrace/pipeline/images'
import { createPng } from './digit-struct-fixture.js'

const plan: Partial<ImagePlan> = { crop: { kind: 'centre' }, resize: { kind: 'shorter-edge', pixels: 8 } }
const damaged = Buffer.from('no image')

interface Settings {
  readonly count: number
  readonly bad?: readonly number[]
  /** Fails the source there, as a full disk or a pulled cable would. */
  readonly failAt?: number
  readonly label?: (index: number) => Sample['label']
}

function samples({ count, bad = [], failAt = Infinity, label = (index) => ({ kind: 'class', value: index % 3 }) }: Settings): PackOptions['source'] {
  return {
    count: async () => count,
    async *[Symbol.asyncIterator]() {
      for (let index = 0; index < count; index++) {
        if (index === failAt) throw new Error('the source broke')
        const image = async (): Promise<Uint8Array> => (bad.includes(index) ? damaged : createPng(20 + (index % 5), 16, index))
        yield { id: BigInt(1000 - index), key: `${index}.png`, label: label(index), image }
      }
    },
  }
}

function pack(output: string, settings: Settings, options: Partial<PackOptions> = {}): Promise<PackReport> {
  return packDataset({ source: samples(settings), plan, output, labelKind: 'class', threads: 1, batchSamples: 7, ...options })
}

/** Name → digest of every file, hidden ones too. */
function digests(folder: string): Record<string, string> {
  return Object.fromEntries(readdirSync(folder).sort().map((name) => [name, createHash('sha256').update(readFileSync(join(folder, name))).digest('hex')]))
}

async function keysOf(path: string): Promise<number[]> {
  const keys: number[] = []
  for await (const { id } of readRecords(path)) keys.push(1000 - Number(id))
  return keys
}

t.test('shards by count, and the same shards from parts on several machines', async (t) => {
  const folder = t.testdir({ whole: {}, parts: {} })
  const settings = { count: 23, bad: [0, 9] }
  const report = await pack(join(folder, 'whole/x.rec'), settings, { shards: { count: 4 } })
  t.same(report.files.map((file) => file.slice(-20)), [0, 1, 2, 3].map((index) => `x-0000${index}-of-00004.rec`))
  t.same(await Promise.all(report.files.map(keysOf)), [[1, 2, 3, 4], [5, 6, 7, 8, 10], [11, 12, 13, 14, 15, 16], [17, 18, 19, 20, 21, 22]])
  t.match(report, { packed: 21, rejected: 2, summary: { count: 21, rejected: 2, labelHistogram: { 0: 6, 1: 8, 2: 7 } } })
  const first = await openRecords(report.files[0]!)
  t.match(first.meta!.summary, { count: 4, rejected: 1 })
  await first.close()
  for (const index of [1, 0]) await pack(join(folder, 'parts/x.rec'), settings, { shards: { count: 4 }, part: { index, count: 2 } })
  const records = (each: string): Record<string, string> => Object.fromEntries(Object.entries(digests(join(folder, each))).filter(([name]) => !name.includes('rejects')))
  t.same(records('parts'), records('whole'))
  t.ok(existsSync(join(folder, 'parts/x-part-00000-of-00002.rejects.jsonl')))
  await t.rejects(pack(join(folder, 'y.rec'), { count: 3 }, { shards: { count: 4 } }), { code: 'PIPE_OPTION' })
  await t.rejects(pack(join(folder, 'y.rec'), { count: 3 }, { part: { index: 2, count: 2 } }), { code: 'PIPE_OPTION' })
  await t.rejects(pack(join(folder, 'y.rec'), { count: 3 }, { part: { index: 0, count: 2 }, shards: { bytes: 100 } }), { code: 'PIPE_OPTION' })
})

t.test('shards by bytes are named when their number is known', async (t) => {
  const folder = t.testdir()
  const report = await pack(join(folder, 'x.rec'), { count: 30 }, { shards: { bytes: 5000 } })
  t.ok(report.files.length > 3)
  t.same(readdirSync(folder).filter((name) => name.endsWith('.rec')).sort(), report.files.map((file) => file.slice(folder.length + 1)))
  t.ok(report.files.every((file) => readFileSync(file).length <= 5000 && file.endsWith(`-of-0000${report.files.length}.rec`)))
  t.same((await Promise.all(report.files.map(keysOf))).flat(), Array.from({ length: 30 }, (_, index) => index))
})

for (const [name, options] of Object.entries({ 'one file': {}, 'shards by count': { shards: { count: 3 } }, 'shards by bytes': { shards: { bytes: 6000 } }, threads: { threads: 2 } } as Record<string, Partial<PackOptions>>)) {
  t.test(`a run that broke is gone on with: ${name}`, async (t) => {
    const folder = t.testdir({ whole: {}, broken: {} })
    const settings = { count: 40, bad: [3, 17, 30] }
    const whole = await pack(join(folder, 'whole/x.rec'), settings, options)
    const path = join(folder, 'broken/x.rec')
    for (const failAt of [20, 33]) {
      let isKept = false
      await t.rejects(pack(path, { ...settings, failAt }, { ...options, resume: failAt > 20, onSuspend: () => (isKept = true) }), { message: 'the source broke' })
      t.ok(isKept)
      t.notOk(readdirSync(join(folder, 'broken')).some((each) => /^x.*\.(rec|idx|meta|jsonl)$/.test(each)), 'nothing under its name yet')
      appendFileSync(join(folder, 'broken/x.rec.partial'), '{"position":39,"by')
    }
    const report = await pack(path, settings, { ...options, resume: true })
    t.ok(report.resumedAfter! >= 7)
    t.match(report, { packed: 37, rejected: 3, summary: whole.summary })
    t.same(digests(join(folder, 'broken')), digests(join(folder, 'whole')))
  })
}

t.test('what cannot be gone on with is refused, and what was left is removed by a new run', async (t) => {
  const folder = t.testdir()
  const path = join(folder, 'x.rec')
  const breakOff = (): Promise<unknown> => t.rejects(pack(path, { count: 40, failAt: 30 }))
  await breakOff()
  await t.rejects(pack(path, { count: 40 }, { resume: true, plan: { ...plan, method: 'area' } }), { code: 'PIPE_RESUME', message: /found another (pack, plan|plan, pack)/ })
  await t.rejects(pack(path, { count: 40, label: () => ({ kind: 'class', value: 0 }) }, { resume: true }), { code: 'PIPE_RESUME', message: /the source has changed/ })
  await t.rejects(pack(path, { count: 40 }, { resume: true, identity: { list: 'other' } }), { code: 'PIPE_RESUME', message: /found another source/ })
  t.equal((await pack(path, { count: 40 })).resumedAfter, undefined)
  t.same(readdirSync(folder).sort(), ['x.idx', 'x.meta', 'x.rec'])
  writeFileSync(join(folder, 'x.rec.partial'), 'not a journal')
  await t.rejects(pack(path, { count: 4 }, { resume: true }), { code: 'PIPE_RESUME' })
  await pack(path, { count: 4 })
  t.same(readdirSync(folder).sort(), ['x.idx', 'x.meta', 'x.rec'])
  t.match(await pack(path, { count: 4 }, { resume: true }), { packed: 4 }, 'with nothing to go on with it begins')
})

const child = fileURLToPath(new URL('./pack-until-killed.js', import.meta.url))

t.test('killed with SIGKILL on the way, then resumed: the same files', { timeout: 90_000 }, async (t) => {
  const folder = t.testdir({ whole: {}, killed: {} })
  const run = (name: string, killAfterMs?: number): Promise<number | null> => new Promise((resolve) => {
    const packing = spawn(process.execPath, [child, join(folder, name, 'x.rec')], { stdio: 'ignore' })
    const timer = killAfterMs === undefined ? undefined : setTimeout(() => packing.kill('SIGKILL'), killAfterMs)
    packing.on('close', (exitCode) => (clearTimeout(timer), resolve(exitCode)))
  })
  const began = performance.now()
  t.equal(await run('whole'), 0)
  const lastsMs = performance.now() - began
  for (const share of [0.6, 0.7, 0.8, 0.9]) await run('killed', share * lastsMs)
  t.equal(await run('killed'), 0)
  t.same(digests(join(folder, 'killed')), digests(join(folder, 'whole')))
})

t.test('a full disk (here: a limit of the file size) ends it cleanly; what was done is gone on with', { skip: process.platform === 'win32' ? 'no ulimit' : false }, async (t) => {
  const folder = t.testdir({ whole: {}, full: {} })
  const run = (name: string, limit = ''): Promise<number | null> => new Promise((resolve) => {
    const command = `trap '' XFSZ; ${limit} exec "$0" "$1" "$2"`
    spawn('bash', ['-c', command, process.execPath, child, join(folder, name, 'x.rec')], { stdio: 'ignore' }).on('close', resolve)
  })
  t.equal(await run('whole'), 0)
  t.equal(await run('full', 'ulimit -f 24;'), 1)
  t.notOk(readdirSync(join(folder, 'full')).some((name) => /^x.*\.(rec|idx|meta|jsonl)$/.test(name)))
  t.ok(readdirSync(join(folder, 'full')).includes('x.rec.partial'))
  t.equal(await run('full'), 0)
  t.same(digests(join(folder, 'full')), digests(join(folder, 'whole')))
})

t.test('a grey image stands in for one that cannot be had', async (t) => {
  const folder = t.testdir()
  const report = await pack(join(folder, 'x.rec'), { count: 6, bad: [2] }, { onError: 'placeholder', plan: { resize: { kind: 'exact', width: 10, height: 6 } } })
  t.match(report, { packed: 6, rejected: 0, placeholders: 1, summary: { count: 6, placeholders: 1 } })
  t.match(JSON.parse(readFileSync(report.rejectsPath!, 'utf8')), { key: '2.png', code: 'PIPE_IMAGE_DAMAGED', placeholder: true })
  const file = await openRecords(join(folder, 'x.rec'))
  const { label, image } = await file.read(2)
  const { data, width, height } = await decodeImage(image)
  t.same([label, width, height, Math.min(...data), Math.max(...data)], [2, 10, 6, 128, 128])
  await file.close()
})

t.test('both means, sizes, and none of it for bytes that are kept unless asked', async (t) => {
  const folder = t.testdir()
  const flat = async (value: number, side: number): Promise<Uint8Array> => encodePng({ data: new Uint8Array(side * side * 3).fill(value), width: side, height: side, channels: 3 })
  const images = [await flat(10, 4), await flat(50, 12)]
  const source = async function* (): AsyncGenerator<Sample> {
    for (const [index, image] of images.entries()) yield { id: BigInt(index), key: `${index}`, label: { kind: 'class', value: 0 }, image: async () => image }
  }
  const summaryWith = async (chosen: Partial<ImagePlan>): Promise<PackReport['summary']> => (await packDataset({ source: source(), plan: chosen, output: join(folder, 'x.rec'), labelKind: 'class', threads: 1 })).summary
  const png = { encode: { kind: 'png', compression: 6 } } as const
  t.match(await summaryWith({ ...png, statistics: 'all' }), { channelMean: [46, 46, 46], imageMean: [30, 30, 30], imageWidth: [4, 12], imageHeight: [4, 12] })
  const kept = await summaryWith({ encode: { kind: 'original' } })
  t.match(kept, { imageWidth: [4, 12] })
  t.equal(kept.channelMean, undefined)
  t.match(await summaryWith({ encode: { kind: 'original' }, statistics: 'stored' }), { channelMean: [46, 46, 46], imageMean: undefined })
  t.ok(Buffer.from((await openFirst(join(folder, 'x.rec'))).image).equals(Buffer.from(images[0]!)))
})

async function openFirst(path: string): Promise<{ image: Uint8Array }> {
  const file = await openRecords(path)
  const record = await file.read(0)
  await file.close()
  return record
}

t.test('integers above 2^24 are counted and kept exactly in the .meta', async (t) => {
  const folder = t.testdir()
  const label = (index: number): Sample['label'] => ({ kind: 'class', value: 2 ** 24 + index })
  const report = await pack(join(folder, 'x.rec'), { count: 4, label })
  t.equal(report.roundedLabels, 2)
  const file = await openRecords(join(folder, 'x.rec'))
  t.same(file.meta!.summary.exactLabels, [[1, 0, 2 ** 24 + 1], [3, 0, 2 ** 24 + 3]])
  t.equal((await file.read(3)).label, 2 ** 24 + 4)
  await file.close()
})

t.test('a preview writes nothing', async (t) => {
  const folder = t.testdir()
  const options: PackOptions = { source: samples({ count: 30, bad: [1] }), plan, output: join(folder, 'x.rec'), labelKind: 'class', shards: { count: 2 } }
  const preview = await previewPack(options)
  t.match(preview, { samples: 30, files: [/x-00000-of-00002\.rec$/, /x-00001-of-00002\.rec$/] })
  t.match(preview.first, [{ key: '0.png', width: 8, height: 8 }, { key: '1.png', code: 'PIPE_IMAGE_DAMAGED' }, {}, {}, {}])
  t.ok(preview.estimatedBytes > 0)
  t.match(await previewPack({ ...options, part: { index: 1, count: 2 } }), { samples: 15, first: [{ key: '15.png' }] })
  t.same(readdirSync(folder), [])
})

t.test('plans that contradict themselves', (t) => {
  const wrong: Partial<ImagePlan>[] = [
    { encode: { kind: 'original' }, resize: { kind: 'shorter-edge', pixels: 3 } },
    { encode: { kind: 'original' }, crop: { kind: 'centre' } },
    { crop: { kind: 'regions', expand: -1 } },
    { resize: { kind: 'exact', width: 0, height: 3 } },
    { encode: { kind: 'png', compression: 10 } },
    { scaledDecode: true, statistics: 'all' },
  ]
  for (const each of wrong) t.throws(() => createPlan(each), { code: 'PIPE_OPTION' }, JSON.stringify(each))
  t.end()
})
