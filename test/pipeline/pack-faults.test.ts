// Packing on a disk that fails: whatever call fails, or whenever the process dies, the error says so, and
// the same command with --resume ends with the files of an undisturbed run.

import t, { type Test } from 'tap'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RecordError } from '@millrace/recordio'
import { packDataset, PipelineError, writeWholeFile, type PackOptions, type PackReport, type Sample } from '@millrace/pipeline'
import { systemError, withFaults, type Fault } from '../system-faults.js'
import { createPng } from './digit-struct-fixture.js'

const images = await Promise.all(Array.from({ length: 16 }, (_, index) => createPng(20 + index, 16, index)))

function source(count: number, repeat = 1): PackOptions['source'] {
  return {
    count: async () => count,
    async *[Symbol.asyncIterator](): AsyncGenerator<Sample> {
      for (let index = 0; index < count; index++) {
        const png = images[index % images.length]!
        // What follows a PNG's end mark does no harm: images of any size
        const image = async (): Promise<Uint8Array> => {
          if (index % 6 === 4) throw new PipelineError('PIPE_IMAGE_MISSING', `${index}.png: not there`)
          return Buffer.concat([png, Buffer.alloc(repeat - 1, index)])
        }
        yield { id: BigInt(index), key: `${index}.png`, label: { kind: 'class', value: index % 3 }, image }
      }
    },
  }
}

function pack(output: string, options: Partial<PackOptions> = {}): Promise<PackReport> {
  return packDataset({ source: source(14), plan: { encode: { kind: 'original' } }, output, labelKind: 'class', threads: 1, batchSamples: 3, ...options })
}

function digests(folder: string): Record<string, string> {
  return Object.fromEntries(readdirSync(folder).filter((name) => !name.startsWith('filler')).sort().map((name) => [name, createHash('sha256').update(readFileSync(join(folder, name))).digest('hex')]))
}

/** Packs with the fault, then resumes; returns how many calls there were. */
async function packWith(t: Test, fault: Fault, options: Partial<PackOptions>, expected: Record<string, string>, place: () => string): Promise<number> {
  const folder = t.testdir()
  const path = join(folder, 'x.rec')
  let error: unknown
  const calls = await withFaults(fault, async () => {
    await pack(path, options).catch((cause: unknown) => (error = cause))
  })
  if (error !== undefined && !(error instanceof RecordError) && !(error instanceof PipelineError)) t.fail(`${place()}: ${String(error)}`)
  if (error instanceof Error && !/x[-\d]*(of-\d+)?\.(rec|idx|meta|rec\.partial|rejects\.jsonl): /.test(error.message)) t.fail(`${place()} names no file: ${error.message}`)
  await pack(path, { ...options, resume: true })
  t.same(digests(folder), expected, place())
  return calls
}

for (const [title, options] of Object.entries({ 'one file': {}, 'shards by bytes': { shards: { bytes: 6500 } } } as Record<string, Partial<PackOptions>>)) {
  t.test(`any call fails, or the process dies before it: ${title}`, { timeout: 90_000 }, async (t) => {
    const folder = t.testdir()
    await pack(join(folder, 'x.rec'), options)
    const expected = digests(folder)
    const calls = await packWith(t, () => undefined, options, expected, () => 'undisturbed')
    t.ok(calls > 30, `${calls} calls`)
    for (let at = 0; at <= calls; at += calls > 60 && at > 20 ? 2 : 1) {
      let name = ''
      const note = (call: { name: string; path: string }): void => { name = `${call.name} ${call.path.slice(folder.length)}` }
      await packWith(t, (call) => (call.index === at ? (note(call), systemError(at % 2 ? 'EIO' : 'ENOSPC')) : undefined), options, expected, () => `call ${at} fails, ${name}`)
      await packWith(t, (call) => (call.index >= at ? (call.index === at && note(call), systemError('EIO')) : undefined), options, expected, () => `dies before call ${at}, ${name}`)
    }
    let turn = 0
    await packWith(t, ({ name }) => (/^write/.test(name) ? 1 + (turn++ % 50) : undefined), options, expected, () => 'short writes')
    t.ok(turn > 50)
  })
}

/** A file system of a megabyte, or why there is none. */
function mountSmall(folder: string): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root can mount a small file system'
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { encoding: 'utf8' })
  return status === 0 ? undefined : `no small file system could be mounted: ${stderr ?? 'no mount program'}`
}

t.test('a disk that is really full, then has room again', async (t) => {
  const whole = t.testdir()
  const small = mkdtempSync(join(tmpdir(), 'millrace-small-'))
  t.teardown(() => rmSync(small, { recursive: true }))
  const reason = mountSmall(small)
  if (reason) return void t.comment(`SKIP ${reason}`)
  t.teardown(() => execFileSync('umount', [small])) // before the one above
  const options: Partial<PackOptions> = { source: source(60, 8_000), batchSamples: 5 }
  await pack(join(whole, 'x.rec'), options)
  t.ok(statSync(join(whole, 'x.rec')).size > 350_000)
  for (const fillerBytes of [750_000, 900_000, 1_000_000, 1_040_000]) {
    for (const name of readdirSync(small)) rmSync(join(small, name))
    writeFileSync(join(small, 'filler'), Buffer.alloc(fillerBytes))
    let isKept = false
    await t.rejects(pack(join(small, 'x.rec'), { ...options, onSuspend: () => (isKept = true) }), { message: /ENOSPC.*(make room|check the folder and the space)/ }, `${fillerBytes} bytes taken`)
    t.equal(existsSync(join(small, 'x.rec.partial')), isKept)
    t.notOk(readdirSync(small).some((name) => /^x\.(rec|idx|meta|rejects)/.test(name) && name !== 'x.rec.partial'))
    rmSync(join(small, 'filler'))
    const { resumedAfter = 0 } = await pack(join(small, 'x.rec'), { ...options, resume: true })
    if (fillerBytes === 750_000) t.ok(isKept && resumedAfter >= 5, `went on after ${resumedAfter}`)
    t.same(digests(small), digests(whole))
  }
})

const noFull = existsSync('/dev/full') ? false : 'no /dev/full'
t.test('a stream or a device that is full: a typed error', { skip: noFull }, async (t) => {
  const stream = createWriteStream('/dev/full')
  await t.rejects(packDataset({ source: source(14), plan: { encode: { kind: 'original' } }, output: stream, labelKind: 'class', threads: 1 }), { code: 'PIPE_OUTPUT', message: /ENOSPC/ })
  stream.destroy()
  await t.rejects(writeWholeFile('/dev/full', ['text']), { code: 'PIPE_OUTPUT', message: /\/dev\/full.*ENOSPC/ })
  t.ok(statSync('/dev/full').isCharacterDevice(), 'it was not replaced by a file')
  const folder = t.testdir({ images: { a: {} } })
  writeFileSync(join(folder, 'images/a/1.png'), images[0]!)
  const program = fileURLToPath(new URL('../../../tools/bin/millrace.js', import.meta.url))
  const { status, stderr } = spawnSync('bash', ['-c', '"$0" "$1" pack "$2" - --format folder --quiet > /dev/full', process.execPath, program, join(folder, 'images')], { encoding: 'utf8' })
  t.equal(status, 1)
  t.match(stderr, /PIPE_OUTPUT|EPIPE|ENOSPC/)
})

t.test('resuming a run that has ended: nothing is packed, and other files are never replaced in silence', async (t) => {
  for (const options of [{}, { shards: { count: 3 } }, { shards: { bytes: 2500 } }, { onError: 'placeholder', plan: { resize: { kind: 'exact', width: 8, height: 8 } } }] as Partial<PackOptions>[]) {
    const folder = t.testdir()
    const path = join(folder, 'x.rec')
    const first = await pack(path, options)
    const before = digests(folder)
    const times = (): number[] => readdirSync(folder).map((name) => statSync(join(folder, name)).mtimeMs)
    const [modified, unread] = [times(), { ...source(14) }]
    const again = await pack(path, { ...options, resume: true, source: unread })
    t.match(again, { alreadyComplete: true, packed: first.packed, rejected: first.rejected, placeholders: first.placeholders, files: first.files, rejectsPath: first.rejectsPath, summary: { count: first.summary.count, rejected: first.summary.rejected, labelHistogram: first.summary.labelHistogram } })
    t.same(times(), modified, 'not touched')
    const refused: [string, Partial<PackOptions>, RegExp][] = [
      ['fewer samples', { source: source(13) }, /x.*\.rec: .*(no more samples than|the samples that)/],
      ['more samples', { source: source(15) }, /x.*\.rec: .*all samples that the source gives now|x.*the samples that/],
      ['other labels', { source: { count: async () => 14, async *[Symbol.asyncIterator]() { for await (const sample of source(14)) yield { ...sample, label: { kind: 'class', value: 0 } } } } }, /the samples that the source gives now/],
      ['other options', { pack: { resize: 3 } }, /another pack/],
      ['other rules', { onError: 'fail' }, /no rejected sample/],
    ]
    for (const [title, change, message] of refused) {
      await t.rejects(pack(path, { ...options, ...change, resume: true }), { code: 'PIPE_RESUME', message }, title)
      t.same(digests(folder), before)
    }
    rmSync(join(folder, 'x.rejects.jsonl'))
    await t.rejects(pack(path, { ...options, resume: true }), { code: 'PIPE_RESUME', message: /x\.rejects\.jsonl, found no such file/ })
    t.notOk((await pack(path, options)).alreadyComplete, 'without --resume it is packed anew')
    t.same(digests(folder), before)
  }
})

t.test('parts of several machines: each knows its own files', async (t) => {
  const folder = t.testdir()
  const path = join(folder, 'x.rec')
  const part = (index: number): Partial<PackOptions> => ({ shards: { count: 4 }, part: { index, count: 2 }, resume: true })
  t.notOk((await pack(path, part(1))).alreadyComplete)
  t.notOk((await pack(path, part(0))).alreadyComplete)
  for (const index of [0, 1]) t.equal((await pack(path, part(index))).alreadyComplete, true)
  rmSync(join(folder, 'x-00003-of-00004.rec'))
  t.notOk((await pack(path, part(1))).alreadyComplete, 'one is missing')
})

t.test('a file without .meta, or changed: not taken for complete', async (t) => {
  const folder = t.testdir()
  const path = join(folder, 'x.rec')
  await pack(path)
  writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.alloc(8)]))
  await t.rejects(pack(path, { resume: true }), { code: 'REC_META_MISMATCH' })
  await pack(path)
  for (const name of ['x.meta', 'x.idx']) rmSync(join(folder, name))
  await t.rejects(pack(path, { resume: true }), { code: 'PIPE_RESUME', message: /a \.meta that tells what it was packed from, found none/ })
})

t.test('a new run after one that died while it gave the names', async (t) => {
  const folder = t.testdir({ whole: {}, died: {} })
  await pack(join(folder, 'whole/x.rec'), { shards: { bytes: 2500 } })
  let renames = 0
  let isDead = false
  const diesAtRename = (last: number): Fault => ({ name, path }) => ((isDead ||= name === 'rename' && /\.x-/.test(path) && ++renames > last) ? systemError('EIO') : undefined)
  for (const last of [0, 1, 2, 4, 7]) {
    mkdirSync(join(folder, 'died'), { recursive: true })
    renames = 0
    isDead = false
    await withFaults(diesAtRename(last), () => pack(join(folder, 'died/x.rec'), { shards: { bytes: 2500 } }).catch(() => undefined))
    t.ok(isDead)
    await pack(join(folder, 'died/x.rec'), { shards: { bytes: 2500 } })
    t.same(digests(join(folder, 'died')), digests(join(folder, 'whole')), `after ${last} renames`)
    rmSync(join(folder, 'died'), { recursive: true })
  }
})

t.test('a damaged journal: what it still tells, or a typed error; never other files', async (t) => {
  const folder = t.testdir({ whole: {}, broken: {} })
  await pack(join(folder, 'whole/x.rec'))
  const expected = digests(join(folder, 'whole'))
  const broken = join(folder, 'broken')
  const stops: PackOptions['source'] = { async *[Symbol.asyncIterator]() { for await (const sample of source(14)) { if (sample.id === 11n) throw new TypeError('stop'); yield sample } } }
  await t.rejects(pack(join(broken, 'x.rec'), { source: stops }), { name: 'TypeError' })
  const left = readdirSync(broken).map((name) => [name, readFileSync(join(broken, name))] as const)
  const journal = left.find(([name]) => name === 'x.rec.partial')![1]
  const outcomes = new Set<string>()
  for (let turn = 0; turn < 160; turn++) {
    rmSync(broken, { recursive: true })
    mkdirSync(broken)
    for (const [name, bytes] of left) writeFileSync(join(broken, name), bytes)
    const bit = (turn * 7919) % (8 * journal.length)
    const damaged = turn % 4 === 0 ? journal.subarray(0, bit >> 3) : Buffer.from(journal).fill(journal[bit >> 3]! ^ (1 << (bit & 7)), bit >> 3, (bit >> 3) + 1)
    writeFileSync(join(broken, 'x.rec.partial'), damaged)
    const error = await pack(join(broken, 'x.rec'), { resume: true }).then(() => undefined, (cause: PipelineError) => cause)
    if (error && error.code !== 'PIPE_RESUME') t.fail(`turn ${turn}: ${String(error)}`)
    if (!error) t.same(digests(broken), expected, `turn ${turn}`)
    outcomes.add(error?.code ?? 'resumed')
  }
  t.same([...outcomes].sort(), ['PIPE_RESUME', 'resumed'])
})

t.test('the journal stays short, however many classes there are', async (t) => {
  const folder = t.testdir()
  const path = join(folder, 'x.rec')
  const count = 9000
  let longest = 0
  const many: PackOptions['source'] = {
    count: async () => count,
    async *[Symbol.asyncIterator](): AsyncGenerator<Sample> {
      for (let index = 0; index < count; index++) {
        if (index % 20 === 19) longest = Math.max(longest, statSync(`${path}.partial`).size)
        yield { id: BigInt(index), key: `${index}`, label: { kind: 'class', value: 2 ** 24 + 2 * index + 1 } as const, image: async () => images[0]! }
      }
    },
  }
  await pack(path, { source: many, batchSamples: 10 })
  t.ok(longest > 2 ** 17 && longest <= 1.2 * 2 ** 20, `${longest} bytes`)
})
