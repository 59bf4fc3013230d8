// Chromium loads a model over HTTP and reads an image, with the package's own files as they are: no bundler.

import t from 'tap'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import { loadModel, type ClassAnswer, type RawImage } from '@millrace/infer'
import { compiledFiles } from './compiled-model.js'

const dist = new URL('../../../../infer/dist/', import.meta.url)
const chromium = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path !== undefined && existsSync(path))

t.test('a page classifies an image, alone and in a pool', { skip: chromium === undefined && 'there is no Chromium', timeout: 90_000 }, async (t) => {
  const files = await compiledFiles()
  const served = new Map(Object.entries(files).map(([name, bytes]) => [`/model/${name}`, bytes]))
  const asked: string[] = []
  let answer: (text: string) => void = () => undefined
  const answered = new Promise<string>((resolve) => (answer = resolve))
  const server = createServer((request, response) => {
    response.setHeader('cross-origin-opener-policy', 'same-origin').setHeader('cross-origin-embedder-policy', 'require-corp') // so that it may share memory
    const { pathname } = new URL(request.url!, 'http://page')
    asked.push(pathname)
    if (request.method === 'POST') {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part)).on('end', () => {
        response.end()
        answer(Buffer.concat(parts).toString())
      })
    } else if (pathname === '/') response.setHeader('content-type', 'text/html').end(page)
    else if (pathname.startsWith('/dist/')) response.setHeader('content-type', 'text/javascript').end(readFileSync(new URL(pathname.slice('/dist/'.length), dist)))
    else response.writeHead(served.has(pathname) ? 200 : 404).end(served.get(pathname))
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const profile = await mkdtemp(join(tmpdir(), 'millrace-chromium-'))
  const browser = spawn(chromium!, ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', `--user-data-dir=${profile}`, `http://127.0.0.1:${(server.address() as AddressInfo).port}/`], { stdio: 'ignore' })
  t.teardown(async () => {
    browser.kill('SIGKILL')
    await new Promise((resolve) => (browser.exitCode === null && browser.signalCode === null ? browser.once('exit', resolve) : resolve(undefined)))
    server.closeAllConnections()
    server.close()
    await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  })
  browser.once('exit', () => answer('{"error":"the browser ended"}'))

  const told = JSON.parse(await answered) as { error?: string; compiled: PageAnswer; inPage: PageAnswer; pools: PagePool[]; pixels: number[] }
  t.equal(told.error, undefined)
  const image: RawImage = { data: Uint8Array.from(told.pixels), width: 24, height: 24, channels: 3 }
  const expected = (await loadModel(files)).predict(image) as ClassAnswer
  for (const name of ['compiled', 'inPage'] as const) {
    t.equal(told[name].className, expected.className, name)
    t.ok(expected.probabilities.every((value, index) => Math.abs(value - told[name].probabilities[index]!) < 1e-5), `${name}: the same probabilities, on ${told[name].runsOn}`)
    t.match(told[name].runsOn, /^(simd|relaxed)$/)
  }
  t.same(told.pools.map(({ sharesMemory }) => sharesMemory), [true, false])
  for (const { probabilities, sharesMemory, runsOn } of told.pools) {
    t.equal(probabilities.length, 3)
    for (const found of probabilities) t.ok(expected.probabilities.every((value, index) => Math.abs(value - found[index]!) < 1e-5), `a pool of ${sharesMemory ? 'shared' : 'own'} memory, on ${runsOn}`)
  }
  const compiledOnly = asked.slice(0, asked.indexOf('/dist/index.js'))
  t.ok(compiledOnly.includes('/model/compiled/cpu/packed.bin'))
  t.same(compiledOnly.filter((path) => /compiler|reference|weights\.safetensors/.test(path)), [], 'neither compiler nor weights were fetched for the compiled model')
  t.ok(asked.some((path) => path.includes('/dist/compiler/')), 'the compiler was, to compile it in the page')
})

interface PageAnswer {
  readonly className: string
  readonly probabilities: number[]
  readonly runsOn: string
}

interface PagePool {
  readonly sharesMemory: boolean
  readonly runsOn: string
  readonly probabilities: number[][]
}

/** Draws an image, reads its pixels from the canvas, and lets the model say what it is: compiled, in pools, then from graph and weights. */
const page = `<!doctype html>
<script type="importmap">{ "imports": {
  "@millrace/infer": "/dist/index.js", "@millrace/infer/runtime": "/dist/runtime/index.js",
  "#read-folder": "/dist/read-folder-web.js", "#write-folder": "/dist/write-folder-web.js", "#worker": "/dist/runtime/worker-web.js"
} }</script>
<script type="module">
const tell = (value) => fetch('/answer', { method: 'POST', body: JSON.stringify(value) })
try {
  const context = Object.assign(document.createElement('canvas'), { width: 24, height: 24 }).getContext('2d')
  context.fillStyle = '#204080'
  context.fillRect(0, 0, 24, 24)
  context.fillStyle = '#f0c010'
  context.fillRect(5, 3, 9, 15)
  const { data } = context.getImageData(0, 0, 24, 24)
  const pixels = Uint8Array.from({ length: 24 * 24 * 3 }, (_, index) => data[4 * Math.floor(index / 3) + index % 3])
  const classify = (model) => {
    const { className, probabilities } = model.predict({ data: pixels, width: 24, height: 24, channels: 3 })
    return { className, probabilities: [...probabilities], runsOn: model.runsOn }
  }
  const { createPool, loadModel } = await import('@millrace/infer/runtime')
  const compiled = classify(await loadModel('model', { compile: 'never' }))
  const pools = []
  for (const shareMemory of [true, false]) {
    const pool = await createPool('model', { compile: 'never', threads: 2, shareMemory })
    const answers = await Promise.all([1, 2, 3].map(() => pool.predict({ data: pixels, width: 24, height: 24, channels: 3 })))
    await pool.close()
    pools.push({ sharesMemory: pool.sharesMemory, runsOn: pool.runsOn, probabilities: answers.map(({ probabilities }) => [...probabilities]) })
  }
  const whole = await import('@millrace/infer')
  const inPage = classify(await whole.loadModel(new URL('/model/', location.href), { compile: 'always' }))
  await tell({ compiled, inPage, pools, pixels: [...pixels] })
} catch (error) {
  await tell({ error: String(error.stack ?? error) })
}
</script>`
