// Images in folders: names stay within, links are followed only where that is asked for.

import t from 'tap'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openImages, type PipelineError, type RandomImages } from '@millrace/pipeline'
import { collect } from '../collect.js'

async function read(images: RandomImages, name: string): Promise<string> {
  return images.read(name, 'a test').then((bytes) => Buffer.from(bytes).toString(), (error: PipelineError) => error.code)
}

t.test('names', async (t) => {
  const folder = t.testdir({ images: { 'b': { '2.png': 'two' }, 'b.a': { '1.png': 'x' }, 'a.png': 'a', '.git': { x: 'x' }, '😀.png': 'x', '\uff5e.png': 'x' }, 'secret.png': 'secret' })
  const images = (await openImages(join(folder, 'images'))) as RandomImages
  t.same(await collect(images.names()), ['a.png', 'b/2.png', 'b.a/1.png', '\uff5e.png', '😀.png'], 'folder by folder, by code point')
  t.same([...images.ignored], [['hidden', 1]])
  t.equal(await read(images, './b//2.png'), 'two')
  t.equal(await read(images, 'none.png'), 'PIPE_IMAGE_MISSING')
  t.equal(await read(images, 'a.png/none.png'), 'PIPE_IMAGE_MISSING')
  t.equal(await read(images, 'b'), 'PIPE_IMAGE_UNREADABLE')
  for (const name of ['../secret.png', join(folder, 'secret.png'), 'b/../../secret.png', 'b\\2.png', 'c:2.png', 'a\0.png', '', '.']) {
    t.equal(await read(images, name), 'PIPE_NAME_OUTSIDE', JSON.stringify(name))
  }
})

t.test('links', async (t) => {
  const folder = t.testdir({ images: { 'a.png': 'a' }, other: { 'b.png': 'b' } })
  const root = join(folder, 'images')
  symlinkSync(join(root, 'a.png'), join(root, 'inside.png'))
  symlinkSync('../other/b.png', join(root, 'outside.png'))
  symlinkSync('nowhere.png', join(root, 'broken.png'))
  const within = (await openImages(root)) as RandomImages
  t.same(await collect(within.names()), ['a.png', 'broken.png', 'inside.png', 'outside.png'])
  t.equal(await read(within, 'inside.png'), 'a')
  t.equal(await read(within, 'outside.png'), 'PIPE_NAME_OUTSIDE')
  t.equal(await read(within, 'broken.png'), 'PIPE_IMAGE_MISSING')

  symlinkSync('../other', join(root, 'linked'))
  t.equal(await read(within, 'linked/b.png'), 'PIPE_NAME_OUTSIDE')
  await t.rejects(collect(within.names()), { code: 'PIPE_NAME_OUTSIDE', message: /linked/ })
  const anywhere = (await openImages(root, { followLinks: true })) as RandomImages
  t.same(await collect(anywhere.names()), ['a.png', 'broken.png', 'inside.png', 'linked/b.png', 'outside.png'])
  t.equal(await read(anywhere, 'linked/b.png'), 'b')
  t.equal(await read(anywhere, 'outside.png'), 'b')

  mkdirSync(join(root, 'deep'))
  symlinkSync('..', join(root, 'deep/circle'))
  await t.rejects(collect(anywhere.names()), { code: 'PIPE_NAME_OUTSIDE', message: /circle/ })

  symlinkSync(root, join(folder, 'alias'))
  const alias = (await openImages(join(folder, 'alias'))) as RandomImages
  t.equal(await read(alias, 'a.png'), 'a', 'the folder itself may be a link')
  writeFileSync(join(folder, 'images-not.png'), 'x')
  symlinkSync('../images-not.png', join(root, 'prefix.png'))
  t.equal(await read(within, 'prefix.png'), 'PIPE_NAME_OUTSIDE', 'a path that only begins like the folder')
})
