// `millrace im2rec` against what MXNet's im2rec.cc wrote: every case of the golden files' table, through the
// real command line; and im2rec.py's command line.

import t, { type Test } from 'tap'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { decodeImage } from '@millrace/pipeline/images'
import { readRecords, type StoredRecord } from '@millrace/recordio'
import { realData } from '../support.js'
import { createPng } from '../pipeline/digit-struct-fixture.js'

const program = fileURLToPath(new URL('../../../tools/bin/millrace.js', import.meta.url))

interface Run {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

function im2rec(...args: readonly string[]): Promise<Run> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, 'im2rec', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk))
    child.on('close', (exitCode) => resolve({ exitCode, stdout, stderr }))
  })
}

async function recordsOf(path: string): Promise<StoredRecord[]> {
  const records: StoredRecord[] = []
  for await (const record of readRecords(path)) records.push(record)
  return records
}

const golden = realData('im2rec-golden')

interface Case {
  readonly name: string
  readonly list: string
  readonly root: string
  readonly args: readonly string[]
}

/** The rows `| case | list | root | args | …` of the table in the golden files' README. */
function cases(): Case[] {
  const rows = readFileSync(join(golden.path, 'README.md'), 'utf8').split('\n').filter((line) => /^\| \w/.test(line) && !line.startsWith('| case'))
  return rows.map((row) => {
    const [name = '', list = '', root = '', args = ''] = row.split('|').slice(1).map((cell) => cell.trim())
    return { name, list, root, args: args.replaceAll('`', '').split(' ') }
  })
}

/** Byte for byte; PNG images pixel for pixel, as their bytes depend on zlib. */
async function compare(t: Test, ours: string, theirs: string, isPng: boolean): Promise<void> {
  if (!isPng) {
    t.ok(readFileSync(ours).equals(readFileSync(theirs)), 'the same bytes')
    return
  }
  const [found, expected] = [await recordsOf(ours), await recordsOf(theirs)]
  t.equal(found.length, expected.length)
  for (const [index, { image, offsetBytes: _, ...header }] of expected.entries()) {
    const { image: ourImage, offsetBytes: __, ...ourHeader } = found[index]!
    t.same(ourHeader, header)
    const options = { colour: 'unchanged', keepDepth: true } as const
    t.same(await decodeImage(ourImage, options), await decodeImage(image, options), `pixels of record ${index}`)
  }
}

t.test('every golden case', { skip: golden.skip }, async (t) => {
  const all = cases()
  t.ok(all.length >= 20)
  t.jobs = 2
  for (const { name, list, root, args } of all) {
    const parts = args.find((arg) => arg.startsWith('part='))?.slice('part='.length).split(',') ?? ['0']
    const settings = args.filter((arg) => !arg.startsWith('part='))
    for (const part of parts) {
      const suffix = parts.length > 1 ? `.part00${part}` : ''
      t.test(name + suffix, async (t) => {
        const out = join(t.testdir(), `${name}.rec`)
        const threads = name.startsWith('photos') ? '2' : '1'
        const { exitCode, stderr } = await im2rec(join(golden.path, list), `${join(golden.path, root)}/`, out, ...settings, ...(suffix ? [`part=${part}`] : []), '--threads', threads)
        t.equal(exitCode, 0, stderr)
        t.match(stderr, /Total: \d+ images processed, [\d.]+ sec elapsed\n$/)
        await compare(t, out + suffix, join(golden.path, `${name}.rec${suffix}`), args.includes('encoding=.png'))
      })
    }
  }
})

t.test('photos with each codec and with root without a slash: the same bytes', { skip: golden.skip }, async (t) => {
  const expected = readFileSync(join(golden.path, 'photos_r96_q50.rec'))
  for (const extra of [['--codec', 'sharp'], ['--strict-compat', '--threads', '1']]) {
    const folder = t.testdir()
    const root = join(golden.path, '../coco128/images') + (extra.includes('--strict-compat') ? '/' : '')
    const { exitCode, stderr } = await im2rec(join(golden.path, 'photos.lst'), root, join(folder, 'o.rec'), 'resize=96', 'quality=50', ...extra)
    t.equal(exitCode, 0, stderr)
    t.ok(readFileSync(join(folder, 'o.rec')).equals(expected), extra.join(' '))
    t.same(readdirSync(folder), extra.includes('--strict-compat') ? ['o.rec'] : ['o.idx', 'o.meta', 'o.rec'])
  }
})

/** A small tree: two classes, a file beside them, an image that is none. */
async function tree(folder: string): Promise<string> {
  const root = join(folder, 'images')
  for (const [name, count] of [['cat', 4], ['dog/young', 3]] as const) {
    mkdirSync(join(root, name), { recursive: true })
    for (let index = 0; index < count; index++) writeFileSync(join(root, name, `${index}.png`), await createPng(12 + index, 9))
  }
  writeFileSync(join(root, 'dog', 'notes.txt'), 'no image')
  return root
}

t.test('im2rec.py: --list then pack', async (t) => {
  const folder = t.testdir()
  const root = await tree(folder)
  const listed = await im2rec(join(folder, 'pets'), root, '--list', '--recursive', '--train-ratio', '0.7')
  t.match(listed, { exitCode: 0, stdout: 'cat 0\ndog/young 1\n' })
  t.same(readdirSync(folder).sort(), ['images', 'pets_train.lst', 'pets_val.lst'])
  writeFileSync(join(folder, 'petsmart.lst'), '0\t1\tcat/0.png\n')
  const packed = await im2rec(join(folder, 'pets'), root, '--resize', '8', '--quality', '90', '--num-thread', '2', '--color', '-1')
  t.equal(packed.exitCode, 0, packed.stderr)
  t.notOk(existsSync(join(folder, 'petsmart.rec')), 'another list that begins with the same letters is not of this prefix')
  const train = await recordsOf(join(folder, 'pets_train.rec'))
  t.equal(train.length, 4)
  const lines = readFileSync(join(folder, 'pets_train.lst'), 'utf8').trimEnd().split('\n').map((line) => line.split('\t'))
  t.same(train.map(({ id, label, labels }) => [`${id}`, label, labels.length]), lines.map(([id, label]) => [id, Number(label), 0]))
  t.match(await sharp(train[0]!.image).metadata(), { format: 'jpeg', height: 8 })
})

t.test('im2rec.py: labels, pass-through, and an image that is not there', async (t) => {
  const folder = t.testdir()
  const root = await tree(folder)
  writeFileSync(join(folder, 'a.lst'), ['3\t1.5\tcat/0.png', '7\t2\t4\t6\tcat/1.png', '9\t1\tcat/none.png', 'x\t1\tcat/2.png', '8\t16777217\tcat/3.png', ''].join('\n'))
  const run = await im2rec(join(folder, 'a'), root, '--pass-through', '--pack-label')
  t.equal(run.exitCode, 3)
  t.match(run.stderr, /rejected cat\/none\.png: PIPE_IMAGE_MISSING/)
  t.match(run.stderr, /rejected line 4: .*a\.lst: line 4: expected an id/)
  const records = await recordsOf(join(folder, 'a.rec'))
  t.same(records.map(({ id, label, labels }) => [id, label, [...labels]]), [[3n, 1.5, []], [7n, 0, [2, 4, 6]], [8n, 16777216, []]])
  t.match(run.stderr, /1 integer labels are above 2\^24/)
  t.ok(Buffer.from(records[1]!.image).equals(readFileSync(join(root, 'cat/1.png'))))
})

t.test('im2rec.cc: a missing image stops it and leaves nothing; unknown keys are told', async (t) => {
  const folder = t.testdir()
  const root = await tree(folder)
  writeFileSync(join(folder, 'a.lst'), '0\t1\tcat/0.png\n1\t1\tcat/none.png\n')
  const stopped = await im2rec(join(folder, 'a.lst'), root, join(folder, 'a.rec'), 'resise=3')
  t.equal(stopped.exitCode, 1)
  t.match(stopped.stderr, /warning: resise=3 means nothing/)
  t.match(stopped.stderr, /error PIPE_IMAGE_MISSING/)
  t.same(readdirSync(folder).sort(), ['a.lst', 'images'])
  t.equal((await im2rec(join(folder, 'a.lst'), root, join(folder, 'a.rec'), '--on-error', 'placeholder', 'resize=10')).exitCode, 3)
  t.equal((await recordsOf(join(folder, 'a.rec'))).length, 2)
})

t.test('wrong usage: exit 2', async (t) => {
  const cases = [['a'], ['a', 'b', 'c', 'color=2'], ['a', 'b', 'c', 'pack_label=1'], ['a', 'b', 'c', 'encoding=.gif'], ['a', 'b', 'c', 'inter_method=5'], ['a', 'b', 'c', 'nsplit=2', 'part=2'], ['a', 'b', 'c', 'resize=x'], ['none', 'b'], ['a', 'b', '--chunks', '0'], ['a', 'b', 'c', '--list']]
  await Promise.all(cases.map(async (args) => t.equal((await im2rec(...args)).exitCode, 2, args.join(' '))))
})

const python = spawnSync('python3', ['--version']).status === 0

t.test('--list shuffles as python3 does', { skip: python ? false : 'no python3' }, async (t) => {
  const folder = t.testdir()
  const root = await tree(folder)
  t.equal((await im2rec(join(folder, 'a'), root, '--list', '--recursive')).exitCode, 0)
  const script = 'import random; x = list(range(7)); random.seed(100); random.shuffle(x); print(*x)'
  const order = spawnSync('python3', ['-c', script], { encoding: 'utf8' }).stdout.trim().split(' ')
  t.same(readFileSync(join(folder, 'a.lst'), 'utf8').trimEnd().split('\n').map((line) => line.split('\t')[0]), order)
})
