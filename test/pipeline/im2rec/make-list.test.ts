// Lists as im2rec.py makes them: ids, labels in os.walk's order, chunks, ratios.

import t from 'tap'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { makeIm2recList } from '@millrace/pipeline'

const names = ['top.jpg', 'b/2.png', 'b/10.png', 'b/deep/x.JPEG', 'a/1.jpg', 'a/2.txt', 'é/1.jpg', 'empty/none.txt', '\u{1f600}/1.png', '\uff21/1.png']

function tree(folder: string): string {
  const root = join(folder, 'root')
  for (const name of names) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), '')
  }
  symlinkSync('../a', join(root, 'b/link'))
  symlinkSync('..', join(root, 'b/loop'))
  return root
}

function lines(path: string): string[] {
  return readFileSync(path, 'utf8').split('\n').slice(0, -1)
}

t.test('recursive, in order', async (t) => {
  const folder = t.testdir()
  const made = await makeIm2recList(join(folder, 'x'), tree(folder), { recursive: true, shuffle: false })
  t.same(lines(join(folder, 'x.lst')), [
    '0\t0\ttop.jpg', '1\t1\ta/1.jpg', '2\t2\tb/10.png', '3\t2\tb/2.png', '4\t3\tb/deep/x.JPEG', '5\t4\tb/link/1.jpg',
    '6\t5\té/1.jpg', '7\t6\t\uff21/1.png', '8\t7\t\u{1f600}/1.png',
  ])
  t.same(made.folders, ['.', 'a', 'b', 'b/deep', 'b/link', 'é', '\uff21', '\u{1f600}'])
})

t.test('chunks and ratios', async (t) => {
  const folder = t.testdir()
  const root = tree(folder)
  for (let index = 0; index < 22; index++) writeFileSync(join(root, `${String(index).padStart(2, '0')}.png`), '')
  await makeIm2recList(join(folder, 'x'), root, { chunks: 2, trainRatio: 0.6, testRatio: 0.2, shuffle: false })
  t.same(readdirSync(folder).filter((name) => name.endsWith('.lst')).sort(), [0, 1].flatMap((chunk) => ['test', 'train', 'val'].map((part) => `x_${chunk}_${part}.lst`)))
  const counts = [0, 1].map((chunk) => ['test', 'train', 'val'].map((part) => lines(join(folder, `x_${chunk}_${part}.lst`)).length))
  t.same(counts, [[2, 7, 3], [2, 7, 2]])
  t.equal(lines(join(folder, 'x_1_train.lst'))[0], '14\t0\t14.png')
})

t.test('endings, and what cannot be listed', async (t) => {
  const folder = t.testdir()
  const root = tree(folder)
  await makeIm2recList(join(folder, 'x'), root, { recursive: true, extensions: ['.JPEG'] })
  t.same(lines(join(folder, 'x.lst')), ['0\t0\tb/deep/x.JPEG'])
  await t.rejects(makeIm2recList(join(folder, 'x'), root, { recursive: true, extensions: ['.JPEG'], strictExtensions: true }), { code: 'PIPE_EMPTY' })
  await t.rejects(makeIm2recList(join(folder, 'x'), join(folder, 'none')), { code: 'PIPE_SOURCE_MISSING' })
  await t.rejects(makeIm2recList(join(folder, 'x'), root, { chunks: 0 }), { code: 'PIPE_OPTION' })
  writeFileSync(join(root, 'tab\there.jpg'), '')
  await t.rejects(makeIm2recList(join(folder, 'x'), root), { code: 'PIPE_LIST' })
})

const isThere = spawnSync('python3', ['--version']).status === 0

t.test('the same walk and order as Python', { skip: isThere ? false : 'no python3' }, async (t) => {
  const folder = t.testdir()
  const root = tree(folder)
  const script = `
import os, random, sys
root = sys.argv[1]
found, labels = [], {}
for path, dirs, files in os.walk(root, followlinks=True):
    dirs[:] = sorted(d for d in dirs if d != 'loop')
    for name in sorted(files):
        if os.path.splitext(name)[1].lower() in ('.jpeg', '.jpg', '.png'):
            found.append((len(found), labels.setdefault(path, len(labels)), os.path.relpath(os.path.join(path, name), root)))
random.seed(100); random.shuffle(found)
sys.stdout.buffer.write(''.join('%d\\t%d\\t%s\\n' % each for each in found).encode())`
  await makeIm2recList(join(folder, 'x'), root, { recursive: true })
  t.equal(readFileSync(join(folder, 'x.lst'), 'utf8'), spawnSync('python3', ['-c', script, root], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } }).stdout)
})
