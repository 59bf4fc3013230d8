// `millrace pack` as a person runs it: output, exit codes, interruption.

import t from 'tap'
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { realData } from '../support.js'
import { box, createPng, writeDataSet } from '../pipeline/digit-struct-fixture.js'

const program = fileURLToPath(new URL('../../../tools/bin/millrace.js', import.meta.url))

interface Run {
  readonly exitCode: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** `whenStarted` is asked every few milliseconds; once it says yes, the program is interrupted. */
function millrace(args: readonly string[], whenStarted?: () => boolean): Promise<Run> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    const stdout: Buffer[] = []
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk))
    const poll = whenStarted && setInterval(() => {
      if (!whenStarted()) return
      clearInterval(poll)
      child.kill('SIGINT')
    }, 5)
    child.on('close', (exitCode) => {
      clearInterval(poll)
      resolve({ exitCode, stdout: Buffer.concat(stdout), stderr })
    })
  })
}

const real = realData('svhn/train')

t.test('real SVHN: packs 3, lists 36 by name, exit 3', { skip: real.skip }, async (t) => {
  const folder = t.testdir()
  const { exitCode, stdout, stderr } = await millrace(['pack', '--format', 'digit-struct', real.path, join(folder, 'train.rec')])
  t.equal(exitCode, 3)
  t.equal(stderr, '')
  const text = stdout.toString()
  t.match(text, /^packed 3 of 39 images into .*train\.rec in /)
  t.match(text, /\n36 rejected:\n {2}4\.png: PIPE_IMAGE_MISSING: /)
  t.match(text, /23\.png: .*\n {2}… and 16 more in .*train\.rejects\.jsonl\n$/)
  t.same(readdirSync(folder).sort(), ['train.idx', 'train.meta', 'train.rec', 'train.rejects.jsonl'])
  t.equal(readFileSync(join(folder, 'train.rejects.jsonl'), 'utf8').trimEnd().split('\n').length, 36)
})

t.test('real SVHN: --on-error fail stops with exit 1 and leaves nothing', { skip: real.skip }, async (t) => {
  const folder = t.testdir()
  const { exitCode, stderr } = await millrace(['pack', '--on-error', 'fail', join(real.path, 'digitStruct.mat'), join(folder, 'train.rec')])
  t.equal(exitCode, 1)
  t.match(stderr, /^error PIPE_IMAGE_MISSING: .*4\.png: expected this image/)
  t.notMatch(stderr, /\n\s+at /, 'no stack')
  t.same(readdirSync(folder), [])
})

t.test('a good data set: exit 0, the same records to a file and to standard output', async (t) => {
  const folder = t.testdir()
  await writeDataSet(folder, [{ name: '1.png', boxes: [box(4, 10)] }, { name: '2.png', boxes: [box(10, 5), box(3, 16)] }])
  const options = ['--size', '32x24', '--expand', '0.5', '--quality', '80', '--threads', '1']
  const toFile = await millrace(['pack', folder, join(folder, 'out.rec'), ...options, '--json'])
  t.equal(toFile.exitCode, 0)
  t.match(JSON.parse(toFile.stdout.toString()), { packed: 2, rejected: 0, summary: { count: 2 }, firstRejects: [] })
  const toStdout = await millrace(['pack', folder, '-', ...options])
  t.equal(toStdout.exitCode, 0)
  t.ok(toStdout.stdout.equals(readFileSync(join(folder, 'out.rec'))))
  const again = await millrace(['pack', folder, join(folder, 'out.rec'), ...options, '--resume', '--means', join(folder, 'means.json')])
  t.equal(again.exitCode, 0)
  t.match(again.stdout.toString(), /^already complete: 2 of 2 images are in .*out\.rec.*nothing was written\n$/)
  t.match(JSON.parse(readFileSync(join(folder, 'means.json'), 'utf8')), { R: Number })
  const other = await millrace(['pack', folder, join(folder, 'out.rec'), ...options, '--quality', '70', '--resume'])
  t.equal(other.exitCode, 1)
  t.match(other.stderr, /^error PIPE_RESUME: .*out\.rec: .*another pack; pack without --resume to replace it/)
  t.match(toStdout.stderr, /packed 2 of 2 images into standard output/)
})

t.test('a folder of classes: guessed, previewed, packed into shards by two parts, measured', async (t) => {
  const folder = t.testdir({ pets: { cat: {}, dog: {} } })
  const pets = join(folder, 'pets')
  for (const [index, name] of ['cat/a.png', 'cat/b.png', 'dog/c.png', 'dog/d.png'].entries()) writeFileSync(join(pets, name), await createPng(30 + index, 20))
  const out = join(folder, 'out.rec')
  const preview = await millrace(['pack', pets, out, '--dry-run', '--json', '--shards', '2'])
  t.match(JSON.parse(preview.stdout.toString()), { samples: 4, files: [/out-00000-of-00002\.rec$/, /out-00001/], first: [{ key: 'cat/a.png', id: '0', width: 30 }, {}, {}, {}] })
  t.equal(preview.stderr, 'format: folder (--format names another)\n')
  for (const part of ['0/2', '1/2']) t.equal((await millrace(['pack', pets, out, '--part', part, '--shorter-edge', '10', '--encoding', 'png', '--quiet'])).exitCode, 0)
  const means = join(folder, 'means.json')
  const { exitCode, stdout } = await millrace(['pack', pets, join(folder, 'all.rec'), '--means', means, '--means-of', 'original', '--crop', 'centre', '--colour', 'grey', '--json'])
  t.equal(exitCode, 0)
  const { summary } = JSON.parse(stdout.toString()) as { summary: { imageMean: number[] } }
  t.same(JSON.parse(readFileSync(means, 'utf8')), { R: summary.imageMean[0], G: summary.imageMean[1], B: summary.imageMean[2] })
  t.same(readdirSync(folder).filter((name) => name.endsWith('.rec')).sort(), ['all.rec', 'out-00000-of-00002.rec', 'out-00001-of-00002.rec'])
})

t.test('rejects beside standard output go to standard error', { skip: real.skip }, async (t) => {
  const { exitCode, stdout, stderr } = await millrace(['pack', real.path, '-'])
  t.equal(exitCode, 3)
  t.ok(stdout.length > 1000)
  t.equal(stderr.match(/^rejected \d+\.png: PIPE_IMAGE_MISSING/gm)?.length, 36)
})

t.test('what cannot work: exit 1, a code, no stack, no file', async (t) => {
  const folder = t.testdir({ 'digitStruct.mat': 'not a matrix', out: {} })
  const out = join(folder, 'out', 'out.rec')
  const cases = [[join(folder, 'none'), /^error PIPE_SOURCE_MISSING: /], [folder, /^error PIPE_HDF5_DAMAGED: /]] as const
  for (const [source, message] of cases) {
    const { exitCode, stderr } = await millrace(['pack', source, out])
    t.equal(exitCode, 1)
    t.match(stderr, message)
    t.notMatch(stderr, /\n\s+at /)
  }
  t.same(readdirSync(join(folder, 'out')), [])
})

t.test('wrong usage: exit 2', async (t) => {
  for (const args of [['--size', '64'], ['--size', '0x5'], ['--quality', '101'], ['--expand', '-1'], ['--threads', '0'], ['--crop', 'x'], ['--on-error', 'x'], ['--size', '8x8', '--shorter-edge', '8'], ['--encoding', 'bmp'], ['--shard-bytes', '0']]) {
    const { exitCode, stderr } = await millrace(['pack', 'a', 'b.rec', ...args])
    t.equal(exitCode, 2, args.join(' '))
    t.match(stderr, /error CLI_USAGE: option/)
  }
  for (const args of [['-', '--json'], ['b.rec', '--format', 'x'], ['b.rec', '--part', '2/2'], ['b.rec', '--part', 'auto'], ['b.rec', '--format', 'folder', '--delimiter', ',']]) {
    t.equal((await millrace(['pack', args[0] === 'b.rec' ? '.' : 'a', ...args])).exitCode, 2, args.join(' '))
  }
})

t.test('interrupted: exit 130, no broken file', async (t) => {
  const folder = t.testdir({ out: {} })
  const out = join(folder, 'out')
  await writeDataSet(folder, Array.from({ length: 60 }, (_, index) => ({ name: `${index + 1}.png`, boxes: [box(1, 10)] })))
  const hasBegun = (): boolean => readdirSync(out).length > 0
  const { exitCode, stderr } = await millrace(['pack', folder, join(out, 'out.rec'), '--size', '3000x3000', '--threads', '1'], hasBegun)
  t.equal(exitCode, 130)
  t.match(stderr, /PIPE_ABORTED/)
  t.same(readdirSync(out), [])
})

t.test('records to a reader that goes away: exit 1, since not all went out', async (t) => {
  const folder = t.testdir()
  const photos = Array.from({ length: 60 }, (_, index) => ({ name: `${index + 1}.png`, boxes: [box(1, 10)] }))
  await writeDataSet(folder, photos)
  const child = spawn(process.execPath, [program, 'pack', folder, '-', '--size', '400x400', '--quiet'], { stdio: ['ignore', 'pipe', 'ignore'] })
  child.stdout.once('data', () => child.stdout.destroy())
  t.equal(await new Promise((resolve) => child.on('close', resolve)), 1)
})
